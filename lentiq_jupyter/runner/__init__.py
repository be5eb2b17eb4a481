"""What runs inside the image: takes inputs, executes the notebook, brings outputs out.

Python 3.9, standard library only at import; nbclient and nbformat are imported by what uses them.
"""

from .output import OUTPUT_MIME, publish_output

__all__ = ["OUTPUT_MIME", "publish_output"]

"""What stays beside a job of the process executor: one process that watches it, and one that makes such processes.

Runs as a package of its own, ``supervision``, under ``python -I -S``: standard library only, and nothing of the
package around it. What the executor shares with it, it imports from here.
"""

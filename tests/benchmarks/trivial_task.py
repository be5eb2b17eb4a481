"""The task of every scheduler that is compared: ``python -I -S trivial_task.py RECORD [NAME]``.

Appends its name (or ``LENTIQ_TASK``) and the times at its beginning and end to a file. One write of one short
line to a file open for appending is whole, whoever else writes.
"""

import os
import sys
import time

begin = time.time()
name = sys.argv[2] if len(sys.argv) > 2 else os.environ["LENTIQ_TASK"]
record = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
os.write(record, f"{name} {begin:.6f} {time.time():.6f}\n".encode())

"""What builds the book. Its matrices are small, so one thread a process is fastest; a user's own setting stays."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # read when NumPy is first imported, which is after this

"""The JAX oracle: emitted StableHLO text, executed by XLA, against references.

`python -m oracle CASES_DIR` runs every case folder under CASES_DIR. A case holds
a program that Cotangent emitted, the inputs to run it on, and the name of a
reference: a forward written independently here in plain JAX and differentiated
by JAX. README.md states the case format and the tolerances.
"""

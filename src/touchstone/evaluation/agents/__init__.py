"""The agents that draw a model out, made for a sample, and what each of them is and sends.

Only agents whose code is pinned by this version run in this process. Anybody else's is a stranger's
code, and runs as part of a pack, in a process apart.
"""

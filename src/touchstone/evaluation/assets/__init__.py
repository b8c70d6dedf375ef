"""What a task needs beside its code, named by digest: pulled, verified, packed, given as named.

Begin at `listing.AssetList`, and at `store.AssetStore.view` for what a process is given.
"""

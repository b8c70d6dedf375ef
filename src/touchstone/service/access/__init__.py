"""Terms of access as parties handle them: read from files, compared, offered, agreed.

It enforces nothing: a gateway does, and obeys only a bundle that the developer signed.
"""

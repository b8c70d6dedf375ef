"""Who may use which variant and mode: terms read, compiled, decided, compared and proved.

It reads no file, knows no clock and no case, and moves no gateway: only a signed bundle does.
"""

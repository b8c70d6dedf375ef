from support.toy_run import toy_run

__all__ = ["toy_run"]

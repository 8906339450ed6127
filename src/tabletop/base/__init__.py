"""The ground floor: what every layer may use, and the only doors to the clock, the disk and randomness.

``errors``   the caller's fault (``ApiError``) and the world's fault (``StorageUnavailable`` and friends)
``call``     who asks, for which account and region, and when: the context of one request
``clock``, ``randomness``, ``files``   the doors; tests hand in their own
``limits``, ``settings``   every bound and every option, once
``log``      structured log lines
"""

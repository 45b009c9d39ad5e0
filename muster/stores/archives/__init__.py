"""Where backups lie: muster.archive.Archive, twice.

    directory.py    a directory, on another disk or mounted from another machine
    s3.py           any S3, by the driver of the media depot

Both pass tests/contracts/test_archive.py.
"""

"""Where the bytes of media lie: muster.depot.Depot, twice.

    local.py      a directory of ours, served by the api itself under signed addresses
    s3.py         any S3, by aiobotocore

Both pass tests/contracts/test_depot.py.
"""

"""The darkroom: where what strangers uploaded is opened, in processes that may die of it.

    pool.py       keeps the workers, gives each upload a deadline, kills whoever misses it
    __main__.py   a worker: bounds its own memory, time and files, then takes one upload after another
    picture.py    a picture decoded, turned upright, encoded anew, with thumbnails and a blurhash
    boxes.py      notes on place and maker blanked in files made of boxes (MP4, QuickTime)

Nothing else in Muster decodes an upload.
"""

"""Place, judged on real and made-up walks: `python -m loadtest geofence` and `python -m loadtest walk`.

    trace.py      recorded traces         path.py       where somebody was: the median of a trace, or a walk
    terrain.py    metres, fences          placement.py  where fences are put
    walker.py     made-up walks           sky.py        what phones make of where they are: noise, silence, batches
    truth.py      true edges              score.py      edges told against true ones
    judge.py      a judge of fixes        machine.py    the product's machine as one; product.py  all of it
    kinds.py      the kinds of input      bench.py      how well; speed.py, crowd.py  how fast
    walk.py       people from traces      picture.py    one of them, drawn

What says what is true (trace, path, terrain, truth, score) must never import the product: it is what checks it.
"""

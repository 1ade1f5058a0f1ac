"""goldens_check.py NEW OLD: are the goldens that were made again, in folder NEW, those of OLD?

Refuses: a file that only one of them has. Texts, and safetensors' headers, are the same byte for byte; so are
numbers, on the kind of machine that made them. They are float64's, stored as F32: where another CPU adds in
another order, one may fall to the other side of a rounding, so 2^-23 of a tensor's largest number is let
through (and told). Exits 1 if a file is not what it was. `make goldens` runs it.
"""
import pathlib
import sys

import numpy as np
import safetensors.numpy

PARTS = "goldens.safetensors", "goldens_pixels.safetensors", "goldens_models", "goldens_text"


def files(folder):
    found = (f for part in PARTS for f in [folder / part, *(folder / part).rglob("*")])
    return {str(f.relative_to(folder)) for f in found if f.is_file()}


def header(path):
    data = path.read_bytes()
    return data[:8 + int.from_bytes(data[:8], "little")]


def apart(new, old):
    """The largest difference in units of 2^-23 of its tensor's largest number; infinite: of another kind."""
    if new.suffix != ".safetensors" or header(new) != header(old):
        return np.inf
    a, b = safetensors.numpy.load_file(new), safetensors.numpy.load_file(old)
    worst = 0
    for name in a:
        x, y = a[name].astype(np.float64), b[name].astype(np.float64)
        if (x != y).any():
            worst = max(worst, np.abs(x - y).max() * 2 ** 23 / np.abs(y).max())
    return worst


def main(new, old):
    made, kept = files(new), files(old)
    for name in made ^ kept:
        print(name, "is only in", new if name in made else old)
    same = close = 0
    for name in sorted(made & kept):
        if (new / name).read_bytes() == (old / name).read_bytes():
            same += 1
            continue
        far = apart(new / name, old / name)
        close += int(far <= 1)
        print(f"{name}: differs by {far:.2g} of what is let through")
    print(f"{len(kept)} goldens: {same} made again bit for bit, {close} but for last bits")
    sys.exit(int(same + close != len(made | kept)))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))

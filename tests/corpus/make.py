"""Makes the corpus: pictures of our own card pages as custodians bring them, in three severities.

    python3 make.py PAGES OUT [SEED]

PAGES has N.pdf (a card, as `quorate init` prints it) beside N.txt (the text of its code). OUT gets
the pictures and manifest.json: for each its file, class, severity (1 to 3; 0 for what is no card),
view, expected texts and other texts that are really on it. Views: `code` is the main code with
what stands around it, which is what people photograph; `page` is the whole page, where the second
code may help; `cards` is more than one card. A PDF names the picture in it, for readers of pictures.

Seeded: the same pages and packages give the same files; another seed gives pictures that no reader was tuned on. Severity 1 is an ordinary bad day, 2 is what
one curses at, 3 is what good readers begin to fail at. The effects are in `paper.py`; which reader
reads what, `compare.py` says. Needs requirements.txt and pdftoppm; takes a minute on two cores.
"""

import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import zxingcpp
from PIL import Image

import paper
from paper import Page, shoot

SEED = 20261123
DPIS = (150, 200, 300, 400)
WEB = "https://example.org/events/2026/11?from=card"
CLASSES = {}


def kind(view, count, *levels):
    """Registers a class: `count` pictures for each severity, whose parameters are `levels`."""
    def register(make):
        CLASSES[make.__name__.replace("_", "-")] = (make, view, count, levels)
        return make
    return register


class Sheets:
    """The pages, drawn."""

    def __init__(self, folder):
        self.pages = [self.load(pdf) for pdf in sorted(Path(folder).glob("*.pdf"))]

    @staticmethod
    def load(pdf):
        pixels, text = {}, pdf.with_suffix(".txt").read_text().strip()
        with tempfile.TemporaryDirectory() as place:
            for dpi in DPIS:
                subprocess.run(["pdftoppm", "-gray", "-singlefile", "-r", str(dpi), pdf, f"{place}/{dpi}"], check=True)
                pixels[dpi] = cv2.imread(f"{place}/{dpi}.pgm", cv2.IMREAD_GRAYSCALE)
        # Where the codes are, on the clean page: ours may not judge itself.
        found = [code for code in zxingcpp.read_barcodes(pixels[300]) if code.text == text]
        square = lambda code: [(p.x, p.y) for p in (code.position.top_left, code.position.top_right,
                                                    code.position.bottom_right, code.position.bottom_left)]
        corners = sorted((np.array(square(code)) * 25.4 / 300 for code in found), key=lambda c: -np.ptp(c[:, 0]))
        if len(corners) != 2:
            raise SystemExit(f"{pdf}: {len(corners)} codes on a clean page, and two are expected")
        height, width = pixels[300].shape
        size = (width * 25.4 / 300, height * 25.4 / 300)
        return Page(pixels, corners, 17 + 4 * int(found[0].extra["Version"]), text, size)


def finder(rng, n, inwards):
    """A place in one of the three finders, so many modules from its outer corner towards its middle."""
    return np.array([(inwards, inwards), (n - inwards, inwards), (inwards, n - inwards)][rng.integers(3)])


# Each class: (rng, page, level) -> a Shot, or (Shot, how to save it). `page` differs with the number.

@kind("code", 2, 5, 12, 31)
def turned(rng, page, degrees):
    return paper.noise(shoot(page, rng, 4.2, degrees * rng.choice([-1, 1]) + 90 * rng.integers(4)), rng, 4)

@kind("code", 2, 25, 42, 54)
def tilted(rng, page, degrees):
    side = rng.choice([-1, 1])
    tilt = (degrees * side, degrees * 0.3) if rng.random() < 0.5 else (degrees * 0.3, degrees * side)
    return paper.noise(shoot(page, rng, 5, rng.uniform(-20, 20), tilt), rng, 4)

@kind("code", 2, 3.0, 2.0, 1.5)
def far(rng, page, m):
    shot = shoot(page, rng, m, rng.uniform(-8, 8), size=(700, 560))
    return paper.noise(paper.defocus(shot, 0.35), rng, 5), {"quality": 80}

@kind("code", 2, 0.5, 0.72, 0.9)
def blurred(rng, page, radius):
    return paper.noise(paper.defocus(shoot(page, rng, 6, rng.uniform(-6, 6)), radius), rng, 2)

@kind("code", 2, 0.8, 1.2, 1.55)
def shaken(rng, page, length):
    return paper.noise(paper.shake(shoot(page, rng, 6, rng.uniform(-6, 6)), rng, length), rng, 2)

@kind("code", 2, 30, 60, 95)
def noisy(rng, page, sigma):
    return paper.noise(shoot(page, rng, 6, rng.uniform(-6, 6)), rng, sigma)

@kind("code", 2, 0.05, 0.14, 0.26)
def specked(rng, page, share):
    return paper.specks(shoot(page, rng, 6, rng.uniform(-6, 6)), rng, share)

@kind("code", 2, (5, 12), (3.5, 7), (2.5, 5))
def jpeg(rng, page, level):
    return shoot(page, rng, level[0], rng.uniform(-6, 6)), {"quality": level[1]}

@kind("code", 2, (0.6, 0.2), (0.8, 0.6), (0.93, 0.85))
def shaded(rng, page, level):
    return paper.noise(paper.shade(shoot(page, rng, 6, rng.uniform(-6, 6)), rng, *level), rng, 4)

@kind("code", 2, (0.4, 40), (0.18, 90), (0.09, 150))
def faded(rng, page, level):
    shot = paper.fade(shoot(page, rng, 6, rng.uniform(-6, 6)), *level)
    return paper.noise(paper.shade(shot, rng, 0.12, 0), rng, 3)

@kind("code", 2, 13, 18, 22)
def glaring(rng, page, radius):
    return paper.noise(paper.glare(shoot(page, rng, 6, rng.uniform(-10, 10)), rng, radius), rng, 4)

@kind("code", 2, (3, -1), (5, 0), (8, 3))
def glaring_finder(rng, page, level):
    radius, inwards = level
    shot = shoot(page, rng, 6, rng.uniform(-10, 10))
    return paper.noise(paper.glare(shot, rng, radius, finder(rng, page.modules, inwards)), rng, 4)

@kind("code", 2, (1, 1.0), (2, 1.5), (3, 1.8))
def folded(rng, page, level):
    return paper.noise(paper.crease(shoot(page, rng, 6, rng.uniform(-6, 6)), rng, *level), rng, 5)

@kind("code", 2, 0.12, 0.27, 0.38)
def crumpled(rng, page, amplitude):
    return paper.noise(paper.crumple(shoot(page, rng, 6, rng.uniform(-10, 10)), rng, amplitude), rng, 5)

@kind("code", 2, 1.5, 3.0, 4.5)
def rolled(rng, page, bend):
    return paper.noise(paper.curl(shoot(page, rng, 6, rng.uniform(-3, 3)), bend, int(rng.integers(2))), rng, 5)

@kind("code", 2, 0.14, 0.19, 0.235)
def stained(rng, page, radius):
    shot = shoot(page, rng, 6, rng.uniform(-6, 6))
    n = page.modules
    shot = paper.coffee(shot, rng, 0.3 * n)
    spots = paper.blob(rng, rng.uniform(0.42, 0.62, 2) * n, radius * n)
    return paper.noise(paper.spot(shot, spots, 70, 0.97), rng, 5)

@kind("code", 3, (2.0, 0), (3.0, 1.5), (6.0, 3.5))
def stained_finder(rng, page, level):
    """A corner of a finder, half of it, all of it."""
    radius, inwards = level
    shot, place = shoot(page, rng, 6, rng.uniform(-6, 6)), finder(rng, page.modules, inwards)
    return paper.noise(paper.spot(shot, paper.blob(rng, place, radius), rng.choice([50, 225]), 0.97), rng, 5)

@kind("code", 3, 5, 9, 17)
def torn(rng, page, reach):
    """The corner of the page is torn off, and with it 1 of a finder's corners, half of it, all of it."""
    shot = shoot(page, rng, 6, rng.uniform(-6, 6))
    a, b = reach * rng.uniform(0.9, 1.15, 2)
    return paper.noise(paper.tear(shot, rng, a, b, paper.desk(rng, shot.image.shape)), rng, 5)

@kind("code", 2, 2.0, 1.0, 0.0)
def trimmed(rng, page, border):
    shot = shoot(page, rng, 5, rng.uniform(-12, 12))
    return paper.noise(paper.trim(shot, border, paper.desk(rng, shot.image.shape) * 0.6), rng, 5)

@kind("code", 2, (3, 0.6), (6, 0.9), (10, 1.2))
def scribbled(rng, page, level):
    return paper.noise(paper.pen(shoot(page, rng, 6, rng.uniform(-6, 6)), rng, *level), rng, 5)

@kind("code", 2, (2, 0.8), (5, 1.0), (8, 1.3))
def streaked(rng, page, level):
    return paper.noise(paper.streaks(shoot(page, rng, 6, rng.uniform(-3, 3)), rng, *level), rng, 5)

@kind("code", 2, 0.05, 0.08, 0.11)
def flaked(rng, page, lost):
    return paper.noise(paper.toner(shoot(page, rng, 6, rng.uniform(-6, 6)), rng, lost), rng, 5)

@kind("code", 2, (1, 0.25), (2, 0.25), (3, 0.28))
def photocopied(rng, page, level):
    shot = shoot(page, rng, 6, rng.uniform(-4, 4))
    return paper.noise(paper.copied(shot, rng, *level), rng, 3)

@kind("code", 2, 0.5, 0.9, 1.3)
def hurried(rng, page, k):
    """Everything a little: a hand-held picture in a dim room."""
    shot = shoot(page, rng, 4.5, rng.uniform(-25, 25), tuple(rng.uniform(-18, 18, 2) * k))
    shot = paper.shade(paper.crumple(shot, rng, 0.35 * k), rng, min(0.8, 0.4 * k), 0.3 * k)
    shot = paper.shake(paper.defocus(shot, 0.4 * k), rng, 0.5 * k)
    return paper.noise(shot, rng, 14 * k), {"quality": int(60 / k)}

@kind("page", 1, (2.6, 0.25), (1.9, 0.3), (1.55, 0.3))
def scanned(rng, page, level):
    """A whole page from a flatbed at some 60 to 100 dpi, not straight."""
    m, soft = level
    size = tuple(int(side * m * page.modules / 64) for side in page.size)
    shot = shoot(page, rng, m, rng.uniform(-3, 3), size=size, centre=(0.5, 0.5))
    return paper.noise(paper.defocus(shot, soft), rng, 6)

@kind("page", 2, (5, 118, 0), (4, 90, 15), (3.4, 75, 25))
def fax(rng, page, level):
    """One bit for each pixel, at a threshold that suits nobody."""
    m, threshold, rough = level
    size = tuple(int(side * m * page.modules / 64) for side in page.size)
    shot = shoot(page, rng, m, rng.uniform(-2, 2), size=size, centre=(0.5, 0.5))
    shot = paper.noise(paper.defocus(shot, 0.3), rng, 8 + rough)
    threshold = threshold if rng.random() < 0.5 else 255 - threshold
    return shot.of((shot.image > threshold) * 255.0), {"bits": 1}

@kind("page", 1, (6, 0.5), (4, 1.0), (3, 1.6))
def pdf_scan(rng, page, level):
    m, k = level
    size = tuple(int(side * m * page.modules / 64) for side in page.size)
    shot = shoot(page, rng, m, rng.uniform(-4, 4) * k, size=size, centre=(0.5, 0.5))
    shot = paper.shade(paper.defocus(shot, 0.3 * k), rng, 0.3 * k, 0)
    return paper.noise(shot, rng, 12 * k), {"quality": int(50 / k), "pdf": 25.4 / (64 / page.modules / m)}

@kind("page", 2, (12, 4.5), (40, 3.8), (75, 3.2))
def torn_page(rng, page, level):
    """The page's corner with the main code is gone, more or less. The small code is whole."""
    reach, m = level
    size = tuple(int(side * m * page.modules / 64) for side in page.size)
    shot = shoot(page, rng, m, rng.uniform(-3, 3), size=size, centre=(0.5, 0.5))
    shot = paper.tear(shot, rng, reach, reach * rng.uniform(0.8, 1.2), paper.desk(rng, shot.image.shape))
    return paper.noise(paper.crease(shot, rng, 1, 1.0), rng, 6), {"quality": 60}

@kind("page", 3, (0.82, 14, 0.3, 8), (0.55, 30, 0.6, 14), (0.36, 36, 0.7, 18))
def phone(rng, page, level, number=0):
    """Twelve megapixels with a desk around the page, held in any way (EXIF 6, 8, 3)."""
    share, tilt, k, grain = level
    orientation = (6, 8, 3)[number % 3]
    size = (3000, 4000) if orientation != 3 else (4000, 3000)
    m = share * min(size[0] / page.size[0], size[1] / page.size[1]) * 64 / page.modules
    shot = shoot(page, rng, m, rng.uniform(-15, 15), tuple(rng.uniform(0.6, 1, 2) * tilt * rng.choice([-1, 1], 2)), size, (0.5, 0.5))
    shot = paper.shade(shot, rng, 0.5 * k, 0.5 * k)
    shot = paper.shake(paper.defocus(shot, 0.5 * k), rng, 0.5 * k)
    return paper.noise(shot, rng, grain), {"quality": int(92 - 30 * k), "orientation": orientation}

@kind("cards", 2, (4, 0), (2.6, 0.6), (1.9, 1.0))
def two_cards(rng, pages, level):
    """Two cards in one picture: both are expected."""
    m, k = level
    size = (int(m * 200), int(m * 110))
    put = lambda page, x, turn, **onto: shoot(page, rng, m, rng.uniform(-15, 15) * k + turn, tuple(rng.uniform(-25, 25, 2) * k), size, at=(x, 0.5), **onto)
    first = put(pages[0], 0.23, 0)
    shot = put(pages[1], 0.74, 0, onto=first)
    shot = paper.shade(shot, rng, 0.4 * k, 0.2 * k)
    return paper.noise(paper.defocus(shot, 0.3 * k), rng, 5 + 12 * k), {"quality": 85}


def web_code(side=9):
    code = zxingcpp.create_barcode(WEB, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    return cv2.resize(np.array(code.to_image(scale=1, add_quiet_zones=True)), None, fx=side, fy=side, interpolation=cv2.INTER_NEAREST)


def negatives(rng, pages):
    """What is no card. The name, the picture, and what is really written in it."""
    a4 = (1754, 1240)
    rows, columns = np.indices(a4, dtype=np.float32)
    blank = 240 + paper.smooth(rng, a4, 200, -6, 6) + rng.normal(0, 3, a4)
    text = shoot(pages[1], rng, 4.5, 1.5, size=(1240, 560), centre=(0.5, 0.53)).image
    web = np.full(a4, 238.0)
    code = web_code()
    web[300 : 300 + code.shape[0], 200 : 200 + code.shape[1]] = code
    guilloche = sum(np.sin((np.hypot(columns - x, rows - y) + 30 * np.sin(rows / w)) / p) for x, y, w, p in
                    rng.uniform((0, 0, 40, 4), (1240, 1754, 160, 9), (7, 4)))
    parts = shoot(pages[0], rng, 6, 0)
    n, board = parts.modules, ((rows // 40 + columns // 40) % 2) * 220 + 20
    destroyed = paper.spot(parts, [(-3, -3), (n + 3, -3), (n + 3, 0.62 * n), (-3, 0.7 * n)], 40, 1.0)
    squares = np.full(a4, 240.0, np.float32)
    for x, y in rng.uniform(60, 1100, (40, 2)):
        for inset, value in ((0, 30), (12, 240), (24, 30)):
            cv2.rectangle(squares, (int(x) + inset, int(y) + inset), (int(x) + 84 - inset, int(y) + 84 - inset), value, -1)
    return [
        ("blank", blank, []),
        ("black", rng.normal(6, 3, (1200, 1600)), []),
        ("text", text, []),
        ("web-address", web + rng.normal(0, 5, a4), [WEB]),
        ("static", rng.uniform(0, 255, (1400, 1000)), []),
        ("static-1-bit", (rng.random((1400, 1000)) > 0.5) * 255.0, []),
        ("static-blocks", np.kron(rng.random((150, 110)) > 0.5, np.ones((9, 9))) * 255.0, []),
        ("checkerboard", board + rng.normal(0, 6, a4), []),
        ("stripes", 128 + 100 * np.sign(np.sin(columns / 6)), []),
        ("landscape", paper.smooth(rng, a4, 300, 20, 235) + paper.smooth(rng, a4, 25, -30, 30) + rng.normal(0, 8, a4), []),
        ("bank-note", 150 + 12 * guilloche, []),
        ("finders", squares, []),
        ("half-a-code", destroyed.image, []),
    ]


def save(image, out, name, quality=None, orientation=None, bits=8, pdf=None):
    """Writes a picture; gives the file names that the manifest tells."""
    picture = Image.fromarray(np.clip(np.round(image), 0, 255).astype(np.uint8))
    if orientation:
        # What the sensor saw is turned against what the tag says; colour, as telephones have it.
        turn = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270, 3: Image.Transpose.ROTATE_180}
        picture = picture.transpose(turn[orientation])
        grey = picture.point
        picture = Image.merge("RGB", [grey(lambda v, f=f: min(255, v * f)) for f in (1.03, 1.0, 0.9)])
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture.save(out / f"{name}.jpg", quality=quality, exif=exif)
        return {"file": f"{name}.jpg"}
    if quality:
        picture.save(out / f"{name}.jpg", quality=quality)
        if pdf:
            Image.open(out / f"{name}.jpg").save(out / f"{name}.pdf", resolution=pdf, creationDate=time.gmtime(0), modDate=time.gmtime(0))
            return {"file": f"{name}.pdf", "picture": f"{name}.jpg"}
        return {"file": f"{name}.jpg"}
    (picture.convert("1") if bits == 1 else picture).save(out / f"{name}.png", compress_level=2)
    return {"file": f"{name}.png"}


def generator(*words):
    return np.random.default_rng([seed, *(zlib.crc32(str(word).encode()) for word in words)])


def begin(*shared):
    """What every worker knows."""
    global seed, sheets, out
    seed, sheets, out = shared
    cv2.setNumThreads(1)


def work(task):
    """One picture."""
    label, severity, number = task
    make, view, _, levels = CLASSES[label]
    rng = generator(label, severity, number)
    # Classes begin with different pages, so that each page is in every third class at least.
    first = zlib.crc32(label.encode()) + severity + number
    pages = [sheets.pages[(first + step) % len(sheets.pages)] for step in (0, 1)]
    more = {"number": number} if label == "phone" else {}
    made = make(rng, pages if view == "cards" else pages[0], levels[severity - 1], **more)
    shot, how = made if isinstance(made, tuple) else (made, {})
    texts = [page.text for page in (pages if view == "cards" else pages[:1])]
    files = save(shot.image, out, f"{label}-{severity}-{number + 1}", **how)
    return {**files, "class": label, "severity": severity, "view": view, "expected": texts, "others": []}


def main(pages, to, seed=SEED):
    Path(to).mkdir(parents=True, exist_ok=True)
    begin(int(seed), Sheets(pages), Path(to))
    tasks = [(label, severity, number) for label, (_, _, count, levels) in CLASSES.items()
             for severity in range(1, len(levels) + 1) for number in range(count)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        entries = pool.map(work, tasks, chunksize=3)
    rng = generator("negatives")
    for name, image, others in negatives(rng, sheets.pages):
        files = save(image, out, f"no-card-{name}")
        entries.append({**files, "class": "no-card", "severity": 0, "view": name, "expected": [], "others": others})
    # Last: who finds a manifest finds all of its pictures.
    (out / "manifest.json").write_text(json.dumps({"seed": int(seed), "pictures": entries}, indent=1))
    print(f"{len(entries)} pictures in {out}")


if __name__ == "__main__":
    main(*sys.argv[1:])

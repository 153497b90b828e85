"""What happens to paper and pictures: the effects of which `make.py` composes the corpus.

In: a `Page` (a drawn page and where its codes are) and a random generator; out: a `Shot`, a grey
picture (float32, 0 black to 255 white) that knows where the main code lies in it. Lengths named `m`
are modules of that code, so an effect is as strong on a small picture as on a large one.
Geometry first (`shoot`), then what happened to the paper, then light, then lens and sensor: the
callers keep this order. Every effect takes its randomness from the generator it is given.
No class of the corpus, no severity and no file is decided here.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

INK, PAPER, DESK = 32.0, 238.0, 96.0


@dataclass(frozen=True)
class Page:
    """A drawn page: grey pixels by dpi, the codes' corners in mm (main code first), size in mm."""

    pixels: dict
    corners: list
    modules: int
    text: str
    size: tuple

    def near(self, scale):
        """The drawing that has at least `scale` pixels to the mm, or the finest."""
        dpi = next((dpi for dpi in sorted(self.pixels) if dpi / 25.4 >= scale * 0.99), max(self.pixels))
        return self.pixels[dpi], dpi / 25.4


@dataclass(frozen=True)
class Shot:
    """A picture; `pose` maps modules of the main code (x, y from its top left) to pixels."""

    image: np.ndarray
    pose: np.ndarray
    modules: int

    def at(self, *points):
        """Pixels of points that are given in modules."""
        return cv2.perspectiveTransform(np.array([points], np.float64), self.pose)[0]

    @property
    def m(self):
        """Pixels of a module, in the middle of the code."""
        c = self.modules / 2
        a, b, d = self.at((c, c), (c + 1, c), (c, c + 1))
        (p, q), (r, s) = b - a, d - a
        return float(np.sqrt(abs(p * s - q * r)))

    def mask(self, polygon):
        """1 inside of a polygon given in modules, with a soft edge."""
        mask = np.zeros(self.image.shape, np.float32)
        cv2.fillPoly(mask, [np.round(self.at(*polygon) * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
        return mask

    def of(self, image):
        return replace(self, image=np.clip(image, 0, 255).astype(np.float32))


def smooth(rng, shape, cell, low=-1.0, high=1.0):
    """A smooth random field: about one bump for each `cell` pixels."""
    small = rng.uniform(-1, 1, (int(shape[0] / cell) + 4, int(shape[1] / cell) + 4)).astype(np.float32)
    field = cv2.resize(small, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)[: shape[0], : shape[1]]
    return low + (high - low) * np.clip((field + 1) / 2, 0, 1)


def desk(rng, shape):
    """Grained wood, or nearly: what lies around the page."""
    grain = smooth(rng, (shape[0], max(8, shape[1] // 24)), 7, -14, 14)
    grain = cv2.resize(grain, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return (DESK + grain + smooth(rng, shape, max(40, shape[0] / 5), -25, 25)).astype(np.float32)


def camera(page, code, size, m, turn, tilt, centre, at):
    """Page in mm to pixels: `m` pixels to a module in the middle, turned and tilted by degrees.

    The middle is a code's, or `centre` (shares of the page); it comes to `at` (shares of the picture).
    """
    corners = page.corners[code]
    side = float(np.linalg.norm(corners[1] - corners[0]))
    scale = m * page.modules / side
    middle = corners.mean(0) if centre is None else np.array(centre) * page.size
    turn, (tx, ty) = np.radians(turn), np.radians(tilt)
    flat = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    rx = np.array([[1, 0, 0], [0, np.cos(tx), -np.sin(tx)], [0, np.sin(tx), np.cos(tx)]])
    ry = np.array([[np.cos(ty), 0, np.sin(ty)], [0, 1, 0], [-np.sin(ty), 0, np.cos(ty)]])
    spin = rx @ ry @ flat
    far = max(260.0, 1.2 * max(size) / scale)
    pose = np.column_stack([spin[:, 0], spin[:, 1], [0, 0, far]])
    lens = np.array([[scale * far, 0, size[0] * at[0]], [0, scale * far, size[1] * at[1]], [0, 0, 1]])
    return lens @ pose @ np.array([[1, 0, -middle[0]], [0, 1, -middle[1]], [0, 0, 1]]), scale


def shoot(page, rng, m, turn=0.0, tilt=(0.0, 0.0), size=None, centre=None, code=0, at=(0.5, 0.5), onto=None):
    """Takes a picture of a page. Without a size: of one code and what stands around it."""
    if size is None:
        corner = abs(np.sin(np.radians(2 * turn)))
        size = (int(m * (page.modules * (1 + 0.4 * corner) + 18)),) * 2
    to_px, scale = camera(page, code, size, m, turn, tilt, centre, at)
    pixels, density = page.near(scale)
    fine = max(1, int(np.ceil(density / scale * 0.7)))
    zoom = np.array([[fine, 0, (fine - 1) / 2], [0, fine, (fine - 1) / 2], [0, 0, 1]], np.float64)
    drawn = zoom @ to_px @ np.diag([1 / density, 1 / density, 1])
    whole = (size[0] * fine, size[1] * fine)
    reduce = lambda image: cv2.resize(image, size, interpolation=cv2.INTER_AREA) if fine > 1 else image
    ink = reduce(cv2.warpPerspective(pixels, drawn, whole, flags=cv2.INTER_LINEAR, borderValue=255))
    sheet = reduce(cv2.warpPerspective(np.full_like(pixels, 255), drawn, whole, flags=cv2.INTER_LINEAR))
    ink, sheet = ink.astype(np.float32) / 255, sheet.astype(np.float32) / 255
    under = desk(rng, ink.shape) if onto is None else onto.image
    image = sheet * (INK + (PAPER - INK) * ink) + (1 - sheet) * under
    n = page.modules
    square = np.array([(0, 0), (n, 0), (n, n), (0, n)], np.float32)
    corners = cv2.perspectiveTransform(page.corners[code][None].astype(np.float64), to_px)[0]
    return Shot(image.astype(np.float32), cv2.getPerspectiveTransform(square, corners.astype(np.float32)), n)


def drift(shot, dx, dy):
    """Moves every pixel by fields of pixels."""
    rows, columns = np.indices(shot.image.shape, dtype=np.float32)
    moved = cv2.remap(shot.image, columns + np.float32(dx), rows + np.float32(dy), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return shot.of(moved)


def lit(shot, field):
    """Light: a field of factors."""
    return shot.of(shot.image * field)


# What happened to the paper.

def crumple(shot, rng, amplitude, cell=12):
    """Crumpled and flattened again: the paper's surface moves by `amplitude` m, and casts shadows."""
    m, shape = shot.m, shot.image.shape
    height = smooth(rng, shape, cell * m) + 0.5 * smooth(rng, shape, cell * m / 2)
    dy, dx = np.gradient(height)
    slope = cell * m / 2
    dx, dy = np.clip(dx * slope, -2, 2), np.clip(dy * slope, -2, 2)
    return lit(drift(shot, dx * amplitude * m, dy * amplitude * m), 1 + 0.22 * min(1, amplitude) * (dx - dy))


def curl(shot, bend, along=0):
    """Rolled: the scale changes across the code, by at most `bend` modules of shift at its edge."""
    n, m, shape = shot.modules, shot.m, shot.image.shape
    middle = shot.at((n / 2, n / 2))[0]
    line = (np.arange(shape[1 - along], dtype=np.float32) - middle[along]) / (n / 2 * m)
    shift = bend * m * np.clip(line, -1.6, 1.6) * np.abs(np.clip(line, -1.6, 1.6))
    light = 1 - 0.25 * np.clip(line, -1.6, 1.6) ** 2 * min(1, bend / 4)
    field = np.broadcast_to(shift if along == 0 else shift[:, None], shape)
    light = np.broadcast_to(light if along == 0 else light[:, None], shape)
    none = np.zeros(shape, np.float32)
    return lit(drift(shot, field, none) if along == 0 else drift(shot, none, field), light)


def crease(shot, rng, count, depth):
    """Sharp folds through the code: one side is darker and shifted, the ink is broken along the line."""
    n, shape = shot.modules, shot.image.shape
    rows, columns = np.indices(shape, dtype=np.float32)
    for _ in range(count):
        angle = rng.uniform(0, np.pi)
        x, y = shot.at(tuple(rng.uniform(0.15 * n, 0.85 * n, 2)))[0]
        across = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle) + smooth(rng, shape, 9 * shot.m, -0.3, 0.3) * shot.m
        side = (across > 0).astype(np.float32)
        shot = drift(shot, side * depth * 0.5 * shot.m * np.cos(angle), side * depth * 0.5 * shot.m * np.sin(angle))
        light = 1 - 0.22 * depth * side * np.exp(-np.abs(across) / (12 * shot.m))
        worn = np.exp(-((across / (0.35 * depth * shot.m)) ** 2)) * (smooth(rng, shape, 1.5 * shot.m) > -0.55)
        shot = shot.of(shot.image * light * (1 - worn) + worn * 215)
    return shot


def blob(rng, centre, radius, rough=0.35, points=40):
    """A closed rough outline in modules."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    wave = sum(rng.uniform(-1, 1) / k * np.cos(k * angle + rng.uniform(0, 7)) for k in range(2, 7))
    r = radius * (1 + rough * wave)
    return list(zip(centre[0] + r * np.cos(angle), centre[1] + r * np.sin(angle)))


def spot(shot, polygon, value, cover, soft=0.4):
    """A stain: `cover` 1 hides the ink below, less lets it show."""
    mask = cv2.GaussianBlur(shot.mask(polygon), (0, 0), max(0.5, soft * shot.m)) * cover
    return shot.of(shot.image * (1 - mask) + value * mask)


def coffee(shot, rng, radius):
    """A ring of coffee and a lighter inside: darkens, hides nothing wholly."""
    n = shot.modules
    centre = rng.uniform(0.25 * n, 0.75 * n, 2)
    outline = np.array(blob(rng, (0, 0), radius, 0.08))
    outer, inner = shot.mask(list(map(tuple, centre + outline))), shot.mask(list(map(tuple, centre + outline * 0.9)))
    ring = cv2.GaussianBlur(np.clip(outer - inner, 0, 1), (0, 0), 0.3 * shot.m)
    return lit(shot, (1 - 0.62 * ring) * (1 - 0.3 * inner))


def tear(shot, rng, a, b, onto):
    """Torn off: what lies beyond the ragged line from (a, 0) to (0, b), in modules, is gone."""
    steps = np.linspace(-0.6, 1.6, 60)
    ragged = np.cumsum(rng.normal(0, 0.22, 60))
    ragged -= np.linspace(ragged[0], ragged[-1], 60)
    line = [(a * (1 - t) + r, b * t + r) for t, r in zip(steps, ragged)]
    gone = shot.mask([*line, (-200, b * 1.6), (-200, -200), (a * 1.6, -200)])
    fibres = np.clip(cv2.GaussianBlur(gone, (0, 0), 0.5 * shot.m) * 2, 0, 1) * (1 - gone)
    image = shot.image * (1 - fibres) + 250 * fibres
    return shot.of(image * (1 - gone) + onto * gone)


def trim(shot, border, onto):
    """Cut out with scissors: `border` modules of the quiet zone are left, then comes the desk."""
    n = shot.modules
    kept = shot.mask([(-border, -border), (n + border, -border), (n + border, n + border), (-border, n + border)])
    return shot.of(shot.image * kept + onto * (1 - kept))


def pen(shot, rng, strokes, width):
    """Somebody wrote across it."""
    n, image = shot.modules, shot.image.copy()
    for _ in range(strokes):
        points = np.cumsum(rng.normal(0, n / 9, (9, 2)), 0) + rng.uniform(0.25 * n, 0.75 * n, 2)
        t = np.linspace(0, 8, 160)
        curve = np.column_stack([np.interp(t, range(9), points[:, i]) for i in (0, 1)])
        curve = cv2.blur(curve.astype(np.float32), (1, 21))
        pixels = np.round(shot.at(*map(tuple, curve)) * 16).astype(np.int32)
        cv2.polylines(image, [pixels], False, 45.0, max(1, round(width * shot.m)), cv2.LINE_AA, 4)
    return shot.of(image)


def streaks(shot, rng, count, width):
    """A worn drum: white lines down the page."""
    image, (_, columns) = shot.image.copy(), shot.image.shape
    left, right = sorted((shot.at((0, 0))[0][0], shot.at((shot.modules, shot.modules))[0][0]))
    for x in rng.uniform(left, right, count):
        line = np.exp(-(((np.arange(columns) - x) / (width * shot.m / 2)) ** 4))
        image = image * (1 - line) + PAPER * line
    return shot.of(image)


def toner(shot, rng, lost):
    """Toner that did not hold: flakes of ink are gone."""
    flakes = (smooth(rng, shot.image.shape, 1.8 * shot.m) + 0.5 * smooth(rng, shot.image.shape, 0.7 * shot.m)) / 1.5
    gone = (flakes > np.quantile(flakes, 1 - lost)).astype(np.float32)
    gone = cv2.GaussianBlur(gone, (0, 0), 0.12 * shot.m)
    return shot.of(shot.image * (1 - gone) + PAPER * gone)


def copied(shot, rng, generations, m_soft=0.28):
    """Copied again and again: each copy blurs, thickens or thins the ink, and adds specks."""
    for number in range(generations):
        image = cv2.GaussianBlur(shot.image, (0, 0), m_soft * shot.m) + rng.normal(0, 12, shot.image.shape)
        level = 128 + (22 if number % 2 else -22) + smooth(rng, shot.image.shape, 20 * shot.m, -14, 14)
        image = 255 / (1 + np.exp(-(image - level) / 9))
        dust = rng.random(shot.image.shape) < 0.0015
        shot = shot.of(np.where(dust, 20, image))
    return shot


# Light, lens, sensor.

def shade(shot, rng, strength, edge):
    """Uneven light: falls off across the picture by `strength`; with an `edge`, a hand's shadow too."""
    rows, columns = np.indices(shot.image.shape, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    ramp = (columns / shot.image.shape[1] - 0.5) * np.cos(angle) + (rows / shot.image.shape[0] - 0.5) * np.sin(angle)
    field = 1 - strength * np.clip(ramp / 1.2 + 0.5, 0, 1)
    if edge:
        n = shot.modules
        outline = blob(rng, rng.uniform(0.1 * n, 0.9 * n, 2), 0.55 * n)
        field *= 1 - edge * cv2.GaussianBlur(shot.mask(outline), (0, 0), 0.5 * shot.m)
    return lit(shot, field)


def glare(shot, rng, radius, centre=None, peak=330):
    """A lamp in the lamination: the middle is burnt out."""
    n = shot.modules
    x, y = shot.at(tuple(rng.uniform(0.25 * n, 0.75 * n, 2) if centre is None else centre))[0]
    rows, columns = np.indices(shot.image.shape, dtype=np.float32)
    squeeze, angle = rng.uniform(1.0, 1.9), rng.uniform(0, np.pi)
    u = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    v = ((rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)) * squeeze
    return shot.of(shot.image + peak * np.exp(-((np.hypot(u, v) / (radius * shot.m)) ** 3)))


def defocus(shot, radius):
    """Out of focus: a disc of this radius in modules."""
    r = radius * shot.m
    if r < 0.3:
        return shot
    size = 2 * int(np.ceil(r)) + 1
    rows, columns = np.indices((size * 8, size * 8), dtype=np.float32)
    disc = (np.hypot(rows - size * 4 + 0.5, columns - size * 4 + 0.5) <= r * 8).astype(np.float32)
    disc = cv2.resize(disc, (size, size), interpolation=cv2.INTER_AREA)
    return shot.of(cv2.filter2D(shot.image, -1, disc / disc.sum(), borderType=cv2.BORDER_REPLICATE))


def shake(shot, rng, length, angle=None):
    """Moved while the shutter was open, by `length` modules."""
    pixels = length * shot.m
    size = 2 * int(np.ceil(pixels / 2)) + 3
    angle = rng.uniform(0, np.pi) if angle is None else angle
    kernel = np.zeros((size * 8, size * 8), np.float32)
    middle, half = size * 4, np.array([np.cos(angle), np.sin(angle)]) * pixels * 4
    ends = [tuple(int(round(c)) for c in middle + sign * half) for sign in (-1, 1)]
    cv2.line(kernel, *ends, 1.0, 8, cv2.LINE_AA)
    kernel = cv2.resize(kernel, (size, size), interpolation=cv2.INTER_AREA)
    return shot.of(cv2.filter2D(shot.image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def fade(shot, contrast, middle=150):
    """Little between black and white."""
    return shot.of(middle + (shot.image - 135) * contrast)


def noise(shot, rng, sigma):
    return shot.of(shot.image + rng.normal(0, sigma, shot.image.shape).astype(np.float32))


def specks(shot, rng, share):
    """Salt and pepper."""
    dice = rng.random(shot.image.shape)
    return shot.of(np.where(dice < share / 2, 0, np.where(dice > 1 - share / 2, 255, shot.image)))

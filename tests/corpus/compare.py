"""Shows a corpus of `make.py` to several readers and prints who read what, as Markdown.

    python3 compare.py CORPUS --program QUORATE [--readers quorate,zxing-cpp,...] [--only torn,phone] [--bar] [--jobs 2]

Ours runs as it does in use: one process for each picture, its start in the time. The others run in
this process, with their best settings, their reading of the file in the time; where the corpus has
a PDF they get the picture in it. Median, 95th and most are seconds of a processor, which other work on
the machine does not change much; a wait is seconds on the clock, the shortest of three where the
first was over the deadline. A picture counts when every expected text was read. A text is wrong when
it is not on the picture. With --bar the exit status is 1 unless ours reads at least as many as
zxing-cpp at every severity and more in total, nothing wrong, nothing where there is nothing, and
within its deadline. It makes no pictures and keeps nothing but the file that --json names.
"""

import argparse
import json
import math
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

DEADLINE = 10
# The program keeps a tenth of the time for its start, its input and the step that is under way; this is for a busy machine.
GRACE = 0.5
PREFIX = "QUORATE/"
READERS = ["quorate", "zxing-cpp", "zbar", "opencv", "opencv-aruco"]


def grey(path):
    import numpy
    from PIL import Image

    return numpy.array(Image.open(path).convert("L"))


def quorate(folder, entry):
    with open(folder / entry["file"], "rb") as picture:
        command = [PROGRAM, "scan-file", "--deadline", str(DEADLINE)]
        done = subprocess.run(command, stdin=picture, capture_output=True, timeout=DEADLINE + 60)
    if done.returncode:
        raise SystemExit(f"{entry['file']}: the program failed: {done.stderr.decode()}")
    return [answer[1:].decode() for answer in done.stdout.split(b"\0") if answer.startswith(b"C")]


def zxing_cpp(folder, entry):
    import zxingcpp

    # Its best: turned, smaller and inverted views (its defaults), black by neighbourhood; then by one level for the whole.
    picture = grey(folder / entry.get("picture", entry["file"]))
    for binarizer in (zxingcpp.Binarizer.LocalAverage, zxingcpp.Binarizer.GlobalHistogram):
        codes = zxingcpp.read_barcodes(picture, zxingcpp.BarcodeFormat.QRCode, binarizer=binarizer)
        if codes:
            break
    return [code.text for code in codes]


def zbar(folder, entry):
    from pyzbar import pyzbar

    codes = pyzbar.decode(grey(folder / entry.get("picture", entry["file"])), [pyzbar.ZBarSymbol.QRCODE])
    return [code.data.decode(errors="replace") for code in codes]


def opencv(folder, entry, detector="QRCodeDetector"):
    import cv2

    cv2.setNumThreads(1)
    try:
        _, texts, _, _ = getattr(cv2, detector)().detectAndDecodeMulti(grey(folder / entry.get("picture", entry["file"])))
    except cv2.error:
        return []
    return [text for text in texts if text]


def opencv_aruco(folder, entry):
    return opencv(folder, entry, "QRCodeDetectorAruco")


def spent():
    """Seconds of a processor, of this process and those it waited for."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def read(task):
    """One picture by one reader: texts, seconds of a processor, seconds on the clock."""
    reader, folder, entry = task
    clock, processor = time.perf_counter(), spent()
    texts = globals()[reader.replace("-", "_")](folder, entry)
    return texts, spent() - processor, time.perf_counter() - clock


def begin(program):
    global PROGRAM
    PROGRAM = program
    # zbar tells its doubts about other kinds of codes.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def row(name, pictures, results):
    """The figures of one reader."""
    cells, right = [], 0
    for severity in (1, 2, 3):
        some = [index for index, picture in enumerate(pictures) if picture["severity"] == severity]
        good = sum(results[index]["right"] for index in some)
        right += good
        cells.append(f"{good}/{len(some)}")
    positives = sum(picture["severity"] > 0 for picture in pictures)
    times = sorted(result["seconds"] for result in results)
    waits = [result["wait"] for result in results]
    at = lambda share: times[min(len(times) - 1, math.ceil(share * len(times)) - 1)]
    wrong = sum(len(result["wrong"]) for result in results)
    over = sum(wait > DEADLINE + GRACE for wait in waits)
    cells += [f"**{right}/{positives}**", f"{100 * right / positives:.0f} %", wrong, f"{at(0.5):.2f}", f"{at(0.95):.2f}", f"{times[-1]:.2f}", f"{max(waits):.1f}", over]
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"


def tables(pictures, results):
    print("| reader | severity 1 | 2 | 3 | in all | | wrong texts | median | 95th | most | longest wait | over the deadline |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, found in results.items():
        print(row(name, pictures, found))
    print("\n| class | " + " | ".join(results) + " | (severities 1, 2, 3 of each)\n|---" + "|---" * len(results) + "|")
    for label in dict.fromkeys(picture["class"] for picture in pictures if picture["severity"]):
        cells = []
        for found in results.values():
            groups = [[found[i]["right"] for i, p in enumerate(pictures) if p["class"] == label and p["severity"] == s] for s in (1, 2, 3)]
            cells.append(" ".join(str(sum(group)) for group in groups))
        most = " ".join(str(len(group)) for group in groups)
        print(f"| {label} ({most}) | " + " | ".join(cells) + " |")


def lost(pictures, results, ours):
    """What another read and ours did not, and what nobody read."""
    for index, picture in enumerate(pictures):
        who = [name for name, found in results.items() if found[index]["right"]]
        if picture["severity"] and ours in results and ours not in who:
            print(f"not ours: {picture['file']}" + (f" (but {', '.join(who)})" if who else " (nobody)") + f", {results[ours][index]['wait']:.1f} s")
    for name, found in results.items():
        for picture, result in zip(pictures, found):
            for text in result["wrong"]:
                print(f"wrong: {name} {picture['file']}: {text[:60]!r}")


def bar(pictures, results):
    """Why ours does not reach the bar."""
    ours, other = results["quorate"], results["zxing-cpp"]
    count = lambda found, severity: sum(r["right"] for r, p in zip(found, pictures) if severity in (p["severity"], None) and p["severity"])
    why = [f"severity {s}: {count(ours, s)} pictures, and zxing-cpp {count(other, s)}" for s in (1, 2, 3) if count(ours, s) < count(other, s)]
    if count(ours, None) <= count(other, None):
        why.append(f"in all: {count(ours, None)} pictures, and zxing-cpp {count(other, None)}")
    for picture, result in zip(pictures, ours):
        if result["wrong"]:
            why.append(f"{picture['file']}: a text that is not on it")
        if result["wait"] > DEADLINE + GRACE:
            why.append(f"{picture['file']}: {result['wait']:.1f} s")
    return why


def main():
    options = argparse.ArgumentParser()
    options.add_argument("corpus", type=Path)
    options.add_argument("--program", default="target/release/quorate")
    options.add_argument("--readers", default=",".join(READERS))
    options.add_argument("--only", help="these classes")
    options.add_argument("--bar", action="store_true")
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--json", type=Path)
    options = options.parse_args()
    pictures = json.loads((options.corpus / "manifest.json").read_text())["pictures"]
    if options.only:
        pictures = [picture for picture in pictures if picture["class"] in options.only.split(",")]
    results = {}
    with multiprocessing.get_context("fork").Pool(options.jobs, begin, (options.program,)) as pool:
        for name in options.readers.split(","):
            found = pool.map(read, [(name, options.corpus, picture) for picture in pictures], chunksize=1)
            results[name] = [{
                "right": bool(picture["expected"]) and set(picture["expected"]) <= set(texts),
                "wrong": sorted(set(texts) - set(picture["expected"]) - set(picture["others"])),
                "seconds": seconds,
                "wait": wait,
            } for picture, (texts, seconds, wait) in zip(pictures, found)]
            # On a busy machine everything takes long. What is slow by itself is slow each time.
            for picture, result in zip(pictures, results[name]):
                for _ in range(2):
                    if result["wait"] > DEADLINE + GRACE:
                        result["wait"] = min(result["wait"], pool.apply(read, ((name, options.corpus, picture),))[2])
    tables(pictures, results)
    print()
    lost(pictures, results, "quorate")
    if options.json:
        options.json.write_text(json.dumps(results))
    why = bar(pictures, results) if options.bar else []
    for reason in why:
        print(f"below the bar: {reason}", file=sys.stderr)
    raise SystemExit(1 if why else 0)


if __name__ == "__main__":
    main()

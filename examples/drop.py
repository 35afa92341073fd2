"""python3 drop.py '{"id":"P1","status":"Complete"}' [SECONDS]

Drops a fragment and waits for its fate. Exit codes: 0 applied, 3 rejected (the reason is on stderr), 4 not known yet.
"""
import glob, json, os, sys, time, uuid

DROP, RECOVERY = os.environ.get("SESSIONSYNC_DROP", "drop"), os.environ.get("SESSIONSYNC_RECOVERY", "recovery")


def drop(update):
    """Drop an update, or a list of updates that apply together or not at all. Returns the fragment's name."""
    name = f"{uuid.uuid4()}.json"
    hidden = os.path.join(DROP, "." + name)
    with open(hidden, "x", encoding="utf-8") as f:
        json.dump(update, f)
        f.flush()
        os.fsync(f.fileno())
    os.link(hidden, os.path.join(DROP, name))  # whole at once, and never over another file
    return name


def fate(name, seconds=30):
    """None: applied. A dict with code and message: rejected. TimeoutError: not known yet."""
    hidden = os.path.join(DROP, "." + name)
    end = time.monotonic() + seconds
    try:
        while True:
            alone = os.stat(hidden).st_nlink == 1  # first the link count,
            found = glob.glob(os.path.join(glob.escape(RECOVERY), "*", "fragments", name))  # then the recovery folder
            if found:
                with open(os.path.dirname(os.path.dirname(found[0])) + "/recovery.json", encoding="utf-8") as f:
                    entry = json.load(f)
                if not entry["retryable"]:
                    return entry["error"]
            elif alone:
                return None
            if time.monotonic() > end:
                raise TimeoutError(f"{name} has no fate yet; does 'sessionsync run' run?")
            time.sleep(0.05)
    finally:
        os.remove(hidden)


if __name__ == "__main__":
    try:
        error = fate(drop(json.loads(sys.argv[1])), float(sys.argv[2]) if len(sys.argv) > 2 else 30)
    except TimeoutError as e:
        print(e, file=sys.stderr)
        sys.exit(4)
    if error:
        print(f"{error['code']}: {error['message']}", file=sys.stderr)
        sys.exit(3)

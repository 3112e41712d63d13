import os

from wallet.ids import encode_ulid, random_id


def test_ids_sort_by_time_whatever_their_entropy() -> None:
    later = [encode_ulid(at_ms, entropy) for at_ms, entropy in ((1, 2**80 - 1), (2, 0), (2, 1), (2**47, 0))]
    assert later == sorted(later)
    assert {len(text) for text in later} == {26}


def test_an_id_says_its_noun_and_is_never_made_twice() -> None:
    made = [random_id("dep") for _ in range(1000)]
    assert all(one.startswith("dep_") for one in made)
    assert len(set(made)) == 1000


def test_a_forked_child_makes_none_of_its_parents_identifiers() -> None:
    random_id("dep")  # from now on some are drawn ahead
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_id("dep")[-16:].encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reading, 16).decode()
    os.close(reading)
    os.close(writing)
    assert len(told) == 16
    assert told != random_id("dep")[-16:]

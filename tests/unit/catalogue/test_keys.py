"""Keys: what names become in files and documents."""

from eventflow.catalogue.keys import safe_keys


def test_a_plain_name_is_its_own_key() -> None:
    """Letters, digits, dots, hyphens and underscores stay as they are."""
    assert {"courier.app.Arrived_2-a": "courier.app.Arrived_2-a"} == safe_keys(
        ["courier.app.Arrived_2-a"]
    )


def test_what_no_path_takes_is_replaced_and_told_apart() -> None:
    """Names that would read alike once their characters are replaced get keys of their own."""
    keys = safe_keys(["a/b", "a b", "a-b", "../x", "ü"])
    assert 5 == len({key.casefold() for key in keys.values()})
    assert "a-b" == keys["a-b"].partition("-b")[0] + "-b"
    assert not any(key.startswith(".") or "/" in key or " " in key for key in keys.values())


def test_names_that_differ_by_case_are_two_files_everywhere() -> None:
    """Two names that differ by case alone have keys that differ by more."""
    keys = safe_keys(["shop.Paid", "shop.paid"])
    assert 2 == len({key.casefold() for key in keys.values()})

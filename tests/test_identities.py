import pytest

from mtcm_pipeline.capture.files import by_stem
from mtcm_pipeline.errors import CaptureError, IdentityError
from mtcm_pipeline.identities import check_identity_exists, check_identity_name


@pytest.mark.parametrize(
    "name", ["Bronze Head", "Smith, Ada", "v1.2.final", "статуя", "銅像", "[test]", "a'b"]
)
def test_names_that_folders_have_are_taken_as_they_are(name):
    assert check_identity_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../../etc", "a/b", "a\\b", "a\0b", " a", "a\n", "a\tb"]
)
def test_names_that_are_no_single_folder_are_refused(name):
    with pytest.raises(IdentityError):
        check_identity_name(name)


@pytest.mark.parametrize("value", [7, False, None, 1.5, ["a"]])
def test_values_that_yaml_made_are_refused_with_the_remedy(value):
    with pytest.raises(IdentityError, match="quote"):
        check_identity_name(value)


def test_an_unknown_identity_names_the_closest_or_what_exists():
    assert check_identity_exists("fox", ["fox"]) == "fox"
    with pytest.raises(IdentityError, match="'Bronze Head'"):
        check_identity_exists("Bronse Head", ["Bronze Head", "fox"])
    with pytest.raises(IdentityError, match="'fox'"):
        check_identity_exists("zzz", ["fox"])
    with pytest.raises(IdentityError, match="data/raw_images"):
        check_identity_exists("fox", [])


def test_two_files_of_one_stem_are_named():
    assert by_stem(["a.jpg", "b.png"], "images") == {"a": "a.jpg", "b": "b.png"}
    with pytest.raises(CaptureError, match=r"'a.jpg' and 'a.png'"):
        by_stem(["a.jpg", "a.png"], "images")

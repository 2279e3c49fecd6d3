"""The schemas in force: picks up changed files, and keeps the last good ones over faulty ones."""

from eventflow.errors import SchemaError
from eventflow.reloading import ReloadedFiles
from eventflow.schemas.files import Listing, list_files
from eventflow.schemas.loader import read_listing
from eventflow.schemas.validation import SchemaCheck

__all__ = ["SchemaSource"]


class SchemaSource(ReloadedFiles[Listing, SchemaCheck]):
    """The check by the schemas of a directory, as it is now; there need not be a directory."""

    noun = "schemas"
    error = SchemaError

    def list(self) -> Listing:
        """Return the schema files."""
        return list_files(self._path)

    def read(self, listing: Listing, before: SchemaCheck | None) -> SchemaCheck:
        """Load and compile them."""
        return SchemaCheck(read_listing(self._path, listing), before=before)

    def tell(self, content: SchemaCheck, *, is_first: bool) -> None:
        """Log which schemas are in force, unless there never were any."""
        repository = content.repository
        if is_first and not repository.documents:
            return
        self._log.info(
            "schemas loaded from %s: %d schemas of %d events",
            self._path,
            len(repository.documents),
            len(repository.types),
            extra={"action": "schemas_loaded", "schemas": len(repository.documents)},
        )

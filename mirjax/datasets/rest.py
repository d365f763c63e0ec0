"""A client of a REST service: retries, limits its rate, and caches responses."""

import hashlib
import http.client
import json
import pathlib
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from absl import logging

from mirjax.files import atomic_write, make_cache_folder

TIMEOUT_SECONDS = 30.0
MAX_BYTES = 64 << 20  # of a response
KEPT_SECONDS = 30 * 24 * 3600  # age up to which a cached response is used

_TRIES = 6
_FIRST_WAIT = 1.0  # seconds, doubled with every try
_LONGEST_WAIT = 120.0  # seconds, also if a service requests more
_BUSY = (429, 500, 502, 503, 504)  # HTTP status codes after which a request is repeated


class UnknownError(ValueError):
    """The service does not know the requested item."""


class RestClient:
    """Asks a REST service for JSON.

    Attributes:
      server: its address.
      folder: cache of the responses.
      interval: seconds between two requests.
    """

    def __init__(
        self, server: str, folder: pathlib.Path, interval: float = 1 / 15
    ) -> None:
        self.server, self.folder, self.interval = server, folder, interval
        self._next = 0.0

    def get(self, path: str, **parameters: str) -> Any:
        """Return the decoded response to a request.

        Args:
          path: its parts are separated by "/".
          **parameters: after the "?".

        Raises:
          UnknownError: if the service does not know the requested item.
          ValueError: if it cannot be reached, or stays busy.
        """
        query = urllib.parse.urlencode(parameters)
        url = f"{self.server}/{urllib.parse.quote(path)}" + (query and f"?{query}")
        file = self.folder / f"{_digest(url)}.json"
        kept = _read_kept(file, url)
        if kept is not None:
            return kept
        answer = self._ask(url)
        make_cache_folder(self.folder)
        kept = {"url": url, "sha256": _answer_digest(answer), "answer": answer}
        with atomic_write(file) as unfinished:
            unfinished.write_text(json.dumps(kept))
        return answer

    def _ask(self, url: str) -> Any:
        """Request until there is a response, at most `_TRIES` times."""
        wait = _FIRST_WAIT
        for number in range(1, _TRIES + 1):
            time.sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + self.interval
            try:
                return self._fetch(url)
            except urllib.error.HTTPError as error:
                reason, asked = _describe(error), error.headers.get("Retry-After")
                if error.code in (400, 404):
                    raise UnknownError(reason) from error
                if error.code not in _BUSY:
                    raise ValueError(f"{url}: {reason}") from error
                delay = max(wait, _seconds(asked))
            except (OSError, http.client.HTTPException) as error:
                reason, delay = " ".join(str(error).split()), wait
            if number == _TRIES or delay > _LONGEST_WAIT:
                break
            logging.info("%s: %s; asking again in %.3g s", url, reason, delay)
            time.sleep(delay)
            wait *= 2
        raise ValueError(
            f"{url}: no answer ({reason}); try again later, or give --targets a FASTA "
            "file"
        )

    def _fetch(self, url: str) -> Any:
        """Request once."""
        request = urllib.request.Request(url, headers={"Accept": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            scheme = urllib.parse.urlsplit(response.url).scheme
            if scheme != urllib.parse.urlsplit(self.server).scheme:
                raise ValueError(f"{url}: leads to {response.url}, which is not used")
            content = response.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"{url}: answers with more than {MAX_BYTES >> 20} MiB")
        try:
            return json.loads(content)
        except ValueError as error:
            raise ValueError(f"{url}: the answer is not JSON ({error})") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _answer_digest(answer: Any) -> str:
    return _digest(json.dumps(answer))


def _read_kept(file: pathlib.Path, url: str) -> Any:
    """Return a cached response; None if it is missing, old or damaged."""
    try:
        if time.time() - file.stat().st_mtime > KEPT_SECONDS:
            return None
        kept = json.loads(file.read_bytes())
        if kept["url"] != url:
            return None
        if kept["sha256"] != _answer_digest(kept["answer"]):
            raise ValueError("the SHA-256 does not fit")
        return kept["answer"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        logging.warning("%s is damaged (%s): asked again", file, error)
        return None


def _describe(error: urllib.error.HTTPError) -> str:
    """Return the message of a service about a failed request."""
    try:
        said = json.loads(error.read(MAX_BYTES))["error"]
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        said = error.reason
    return f"{error.code}: {' '.join(str(said).split())}"


def _seconds(text: str | None) -> float:
    """Return the seconds of a Retry-After, 0 if it gives none."""
    try:
        return max(0.0, float(text or 0))
    except ValueError:  # a date: the usual delay is used
        return 0.0

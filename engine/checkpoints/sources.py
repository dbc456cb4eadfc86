"""Where published models come from: Hugging Face, and ModelScope where that cannot be reached. No torch here.

A source lists which files a model has, at one revision, with sizes and hashes; its bytes come over plain HTTP, from any byte on.
huggingface_hub does the talking (addresses, proxies, certificates, retries); keeping what is half there is ours, since it does
not in all its versions.
"""

from __future__ import annotations

import json
import logging
import os
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from engine.api import ModelError
from engine.checkpoints.published import Published

_PATIENCE_S = 10.0  # for a list of files


class SourceError(ModelError):
    """A source rejects the request: it has no such model, revision or file, or wants something first."""


class Unreachable(SourceError):
    """A source does not answer at all, or not as one: another may."""


@dataclass(frozen=True)
class RemoteFile:
    """`sha256` of its content, or where the source does not state that the SHA-1 of it as a git blob; one of them is empty."""

    path: str
    bytes: int
    sha256: str
    git_sha1: str = ""

    @property
    def identity(self) -> str:
        return self.sha256 or self.git_sha1


@dataclass(frozen=True)
class Listing:
    """What a source has of a model. `revision` is what to ask it for: a commit where the source has commits."""

    source: str
    repository: str
    revision: str
    licence: str  # as the source states it, empty where it does not
    files: tuple[RemoteFile, ...]


class Sink(Protocol):
    """A binary file that is being downloaded to."""

    def write(self, data: bytes, /) -> int: ...
    def tell(self) -> int: ...
    def seek(self, offset: int, /) -> int: ...
    def truncate(self) -> int: ...


class Source(Protocol):
    name: str

    def list(self, model: Published, revision: str | None) -> Listing:
        """Raises SourceError; Unreachable where there is no answer."""

    def download(self, listing: Listing, file: RemoteFile, sink: Sink, done: int) -> None:
        """Appends what follows the first `done` bytes. Raises SourceError, and what the sink raises."""


class HuggingFace:
    name = "Hugging Face"

    @property
    def _endpoint(self) -> str | None:
        return os.environ.get("HF_ENDPOINT")  # a mirror, as huggingface_hub's own tools have it

    def list(self, model: Published, revision: str | None) -> Listing:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

        what = f"{self.name} has no {model.hugging_face}"
        try:
            hub = HfApi(endpoint=self._endpoint)
            info = hub.model_info(model.hugging_face, revision=revision, files_metadata=True, timeout=_PATIENCE_S)
        except GatedRepoError:
            consent = "asks for your consent first: give it on its page, then 'hf auth login'"
            raise SourceError(f"{model.hugging_face} {consent}") from None
        except RevisionNotFoundError:
            raise SourceError(f"{what} at revision {revision!r}: leave --revision away for the newest") from None
        except RepositoryNotFoundError:
            raise SourceError(f"{what}: it may have moved") from None
        except Exception as error:  # of whichever HTTP library huggingface_hub uses
            raise Unreachable(f"{self.name} cannot be reached ({_reason(error)})") from None
        card: dict[str, Any] = dict(info.card_data.__dict__) if info.card_data else {}
        files = tuple(
            RemoteFile(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else "", "" if one.lfs else one.blob_id or "")
            for one in info.siblings or ()
        )
        licence = card.get("license_name") or card.get("license") or ""
        return Listing(self.name, model.hugging_face, info.sha or "", str(licence), files)

    def download(self, listing: Listing, file: RemoteFile, sink: Sink, done: int) -> None:
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(listing.repository, file.path, revision=listing.revision, endpoint=self._endpoint)
        _download(self.name, url, file, sink, done, _hub_utils().build_hf_headers())


class ModelScope:
    name = "ModelScope"
    DOMAIN = "MODELSCOPE_DOMAIN"  # in the environment, as ModelScope's own tools have it
    _REVISION = "master"  # it names no commit of the whole: hashes of the files pin what was pulled

    @property
    def _address(self) -> str:
        domain = os.environ.get(self.DOMAIN) or "www.modelscope.cn"
        return domain.rstrip("/") if "://" in domain else f"https://{domain}"

    def list(self, model: Published, revision: str | None) -> Listing:
        revision = revision or self._REVISION
        address = f"{self._address}/api/v1/models/{model.model_scope}"
        answer = self._ask(f"{address}/repo/files?{urllib.parse.urlencode({'Revision': revision, 'Recursive': 'true'})}", model)
        try:
            files = tuple(
                RemoteFile(str(one["Path"]), int(one["Size"]), str(one["Sha256"]))
                for one in answer["Files"]
                if one.get("Type") != "tree"
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Unreachable(f"{self.name} answers in an unknown way ({_reason(error)})") from None
        return Listing(self.name, model.model_scope, revision, str(self._ask(address, model).get("License") or ""), files)

    def _ask(self, url: str, model: Published) -> dict[str, Any]:
        try:
            answer = _hub_utils().get_session().get(url, timeout=_PATIENCE_S)
            content = json.loads(answer.content)
        except Exception as error:  # of whichever HTTP library
            raise Unreachable(f"{self.name} cannot be reached ({_reason(error)})") from None
        if answer.status_code == 404:
            raise SourceError(f"{self.name} has no {model.model_scope}, or not at that revision")
        data = content.get("Data") if isinstance(content, dict) else None
        if answer.status_code != 200 or not isinstance(data, dict):
            raise Unreachable(f"{self.name} answers with status {answer.status_code}")
        return data

    def download(self, listing: Listing, file: RemoteFile, sink: Sink, done: int) -> None:
        asked = urllib.parse.urlencode({"Revision": listing.revision, "FilePath": file.path})
        url = f"{self._address}/api/v1/models/{listing.repository}/repo?{asked}"
        _download(self.name, url, file, sink, done, {})


SOURCES: tuple[Callable[[], Source], ...] = (HuggingFace, ModelScope)


def _download(source: str, url: str, file: RemoteFile, sink: Sink, done: int, headers: dict[str, str]) -> None:
    from huggingface_hub import file_download
    from huggingface_hub.errors import HfHubHTTPError

    _hub_utils().disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries; what they end in is reported
    output: Any = sink
    try:
        headers = {**headers, "Accept-Encoding": "identity"}  # a range of what is compressed on its way is another range
        file_download.http_get(url, output, resume_size=done, headers=headers, expected_size=file.bytes)
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "?"
        raise SourceError(f"{source} denies access to {file.path} (status {status})") from None
    except OSError as error:
        if error.errno is not None and not isinstance(error, (ConnectionError, TimeoutError)):
            raise  # the disk's
        raise Unreachable(f"{source} broke off in {file.path} ({_reason(error)})") from None
    except Exception as error:
        if not type(error).__module__.startswith(("httpx", "httpcore", "requests", "urllib3")):
            raise
        raise Unreachable(f"{source} broke off in {file.path} ({_reason(error)})") from None


def _hub_utils() -> Any:
    from huggingface_hub import utils

    return utils


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:159] + "…"

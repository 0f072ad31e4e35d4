"""The steps of ``stridelog run``, from topics to the live view."""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from stridelog import town_file
from stridelog.errors import UserError
from stridelog.lag import LagReader, caught_up
from stridelog.replay import FileResult, find_files
from stridelog.sending import Tally, send_history, send_recordings
from stridelog.settings import Settings
from stridelog.topic_admin import TopicAdmin
from stridelog.topics import load
from stridelog.town_file import TownFile
from stridelog.views import live as live_view
from stridelog.watching import Watch
from stridelog.worker_metrics import Scraper
from stridelog.workers import Workers

CATCH_UP_S: Final = 3_600.0
NEW_MODEL_S: Final = 90.0
LIVE_CATCH_UP_S: Final = 45.0  # the day up to now is sent within about this time, then it goes on in real time
GENERATED_FILES: Final = 6
DRAIN_S: Final = 20.0
FRAMES_PER_S: Final = 4  # of the live view
_MODELS: Final = ("injury", "recommend")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said."""

    athletes: int
    days: int
    seed: int
    activities: Path | None
    athlete: str  # who the replayed recordings are of
    zone: str  # where those were made that do not tell
    exit_after_s: float  # of live view; 0: until Ctrl-C
    once: bool  # all steps, no live part
    view: bool
    picture: Path | None


class PlatformRun:
    """One run. ``go`` does the steps; ``stop`` ends what it has started, and nothing else."""

    def __init__(self, options: Options, settings: Settings, console: Console) -> None:
        self.options = options
        self.settings = settings
        self.console = console
        self.topics = load(prefix=settings.topic_prefix)
        self.logs = settings.local / "logs"
        self.workers = Workers(self.logs, settings.host)
        self._live: subprocess.Popen[bytes] | None = None

    def go(self) -> None:
        """All steps. Raises ``UserError``; Ctrl-C raises ``KeyboardInterrupt``."""
        self._apply_topics()
        self._start_workers()
        town = self._send_history()
        self._catch_up()
        self._train_models()
        self._replay()
        if self.options.once:
            self._catch_up()
            return
        self._start_live(town)
        if self.options.view:
            self._watch()
        else:
            self._wait()

    def stop(self) -> None:
        """Stop the live athletes and the workers."""
        if self._live is not None and self._live.poll() is None:
            self._live.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._live.wait(10)
            self._drain()
        if self.workers.pids:
            with self.console.status("stopping the workers: they finish their batches"):
                stopped = self.workers.stop()
            self._done("workers", f"stopped: {', '.join(stopped)}")

    def _drain(self) -> None:
        """Let the agents write what the live athletes have sent, so that ``stridelog verify`` has nothing to miss."""

        async def wait() -> None:
            async with LagReader(self.settings, known=self.topics) as reader:
                await caught_up(reader, timeout_s=DRAIN_S)

        with self.console.status("the agents write what is under way"), contextlib.suppress(UserError):
            asyncio.run(wait())

    # -- steps

    def _apply_topics(self) -> None:
        async def apply() -> tuple[int, int]:
            async with TopicAdmin(self.settings) as admin:
                done = await admin.apply(self.topics, await admin.plan(self.topics))
            return len(done), len(self.topics)

        with self._step("topics", "as topics.yaml says"):
            changed, whole = asyncio.run(apply())
        self._done("topics", f"{whole} topics, {changed} changes made")

    def _start_workers(self) -> None:
        roles = self.workers.ports
        with self._progress() as progress:
            task = progress.add_task("workers: importing, claiming partitions, making tables", total=5)
            self.workers.start()
            self.workers.wait_ready(lambda ready: progress.update(task, completed=ready))
        self._done("workers", f"{', '.join(roles)} are ready; logs in {self._short(self.logs)}/worker-*.log")

    def _town(self, last_day: date) -> TownFile:
        """The town that the log has; a new one if it has none."""
        options = self.options
        town = town_file.load(self.settings)
        if town is None:
            first_day = last_day - timedelta(days=options.days)
            town = TownFile(athletes=options.athletes, seed=options.seed, first_day=first_day)
            town_file.save(self.settings, town)
        elif (town.athletes, town.seed) != (options.athletes, options.seed):
            self._note(
                f"the log has a town of {town.athletes} athletes with seed {town.seed} since {town.first_day}: "
                "going on with that one (make clean begins anew)"
            )
        return town

    def _send_history(self) -> TownFile:
        last_day = town_file.yesterday(datetime.now(UTC))
        town = self._town(last_day)
        if town.sent_until is not None and town.sent_until >= last_day:
            self._done("town", f"{town.athletes} athletes since {town.first_day}: in the log already")
            return town
        with self._progress() as progress:
            task = progress.add_task("", total=None)

            def say(day: date, tally: Tally) -> None:
                text = f"town: {day}, {tally.messages['WorkoutCompleted']:,} workouts"
                done = (day - town.first_day).days
                progress.update(task, description=text, completed=done, total=town.days_until(last_day))

            tally = asyncio.run(send_history(self.settings, town, last_day, say))
        self._done(
            "town",
            f"{town.athletes} athletes, {town.first_day} to {last_day}, seed {town.seed}: "
            f"{tally.messages['WorkoutCompleted']:,} workouts, {tally.messages['SensorFrame']:,} frames, "
            f"{tally.faults.total():,} things gone wrong on the way, in {tally.seconds:.0f} s",
        )
        town = town.model_copy(update={"sent_until": last_day})
        town_file.save(self.settings, town)
        return town

    def _catch_up(self) -> None:
        began = time.monotonic()

        async def wait(progress: Progress) -> None:
            task = progress.add_task("agents", total=None)
            most = 0

            def say(behind: int) -> None:
                nonlocal most
                most = max(most, behind)
                text = f"agents: {behind:,} records to take, over all sinks"
                progress.update(task, description=text, total=most or 1, completed=most - behind)
                self.workers.check()

            async with LagReader(self.settings, known=self.topics) as reader:
                await caught_up(reader, timeout_s=CATCH_UP_S, say=say)

        with self._progress() as progress:
            asyncio.run(wait(progress))
        self._done("agents", f"have written all of it in {time.monotonic() - began:.0f} s more")

    def _train_models(self) -> None:
        lacking = [kind for kind in _MODELS if kind not in asyncio.run(self._models())]
        if not lacking:
            self._done("models", "in use already: " + ", ".join(asyncio.run(self._models()).values()))
            return
        try:
            which = "all" if len(lacking) == len(_MODELS) else lacking[0]
            said = self._train(which)
        except UserError as error:
            self._note(f"models: {error}")
            return
        for kind, reason in said["refused"].items():
            self._note(f"models: no {kind} model: {reason}")
        trained = {each["kind"]: each["version"] for each in said["models"] if each["alias"] == "champion"}
        self._done("models", f"trained {', '.join(trained.values()) or 'none'}; waiting until the workers use them")
        deadline = time.monotonic() + NEW_MODEL_S
        with self.console.status("workers look for a new champion every few seconds"):
            while not trained.keys() <= asyncio.run(self._models()).keys():
                if time.monotonic() > deadline:
                    self._note(f"the workers have not taken up {', '.join(trained.values())}: see worker-models.log")
                    return
                time.sleep(0.5)
        self._done("models", "in use")

    def _replay(self) -> None:
        folder = self.options.activities
        if folder is None:
            folder = self._generated()
        try:
            files = find_files([folder])
            with self._progress() as progress:
                task = progress.add_task("replay", total=len(files))

                def say(result: FileResult) -> None:
                    progress.update(task, description=f"replay: {escape(result.path.name)}", advance=1)

                sending = send_recordings(self.settings, files, self.options.athlete, self.options.zone, say)
                results = asyncio.run(sending)
        except UserError as error:
            self._note(f"replay: {error}")
            return
        sent = [each for result in results for each in result.workouts]
        self._done(
            "replay",
            f"{len(sent)} workouts, {sum(each.samples for each in sent):,} samples of {self.options.athlete} from "
            f"{len(files)} files in {self._short(folder)}",
        )
        for result in results:
            if not result.ok:
                self._note(f"{result.path.name}: {result.reason}")

    def _generated(self) -> Path:
        """A folder with recordings of an athlete of the town, for those who gave none."""
        from simulator.files import generate_files

        day = town_file.yesterday(datetime.now(UTC))
        folder = self.settings.data / "activities" / day.isoformat()
        if not folder.is_dir():
            generate_files(folder, seed=self.options.seed, n=GENERATED_FILES, before=day)
        return folder

    # -- the live part

    def _start_live(self, town: TownFile) -> None:
        """Athletes who train right now: the same town, from where its history ends."""
        last_day = town_file.yesterday(datetime.now(UTC))
        now = datetime.now(UTC)
        since_s = now.hour * 3600 + now.minute * 60 + now.second
        speed = max(2, round(since_s / LIVE_CATCH_UP_S))
        arguments = [*_town_arguments(town), "--days", str(town.days_until(last_day)), "--end", str(last_day)]
        log = self.logs / "live.log"
        with log.open("wb") as out:
            self._live = subprocess.Popen(  # noqa: S603 - our own command
                [*_COMMAND, "simulate", "--live", "--speed", str(speed), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._done("live", f"the town trains on, today's workouts first {speed} times faster; log: {self._short(log)}")

    def _watch(self) -> None:
        with self._quiet_logs():
            asyncio.run(self._view())

    async def _view(self) -> None:
        title = f"stridelog  namespace {self.settings.namespace}"
        until = time.monotonic() + self.options.exit_after_s if self.options.exit_after_s else float("inf")
        recorder = Console(record=True, width=120, height=44, file=Path(os.devnull).open("w"))  # noqa: SIM115, ASYNC230
        async with Watch(
            self.settings, self.topics, self.workers.urls, title=title, first=self.options.athlete
        ) as watch:
            with Live(console=self.console, screen=self.console.is_terminal, auto_refresh=False) as live:
                while time.monotonic() < until:
                    self.workers.check()
                    await asyncio.sleep(1 / FRAMES_PER_S)
                    live.update(live_view.render(watch.refresh()), refresh=self.console.is_terminal)
                if self.options.picture is not None:
                    recorder.print(live_view.render(watch.refresh()))
        if self.options.picture is not None:
            self.options.picture.parent.mkdir(parents=True, exist_ok=True)
            svg = recorder.export_svg(title="stridelog run")
            self.options.picture.write_text(_FONT_FACE.sub("", svg))  # fonts of whoever looks, none from elsewhere
            self._done("picture", str(self.options.picture))

    def _wait(self) -> None:
        until = time.monotonic() + self.options.exit_after_s if self.options.exit_after_s else float("inf")
        where = ", ".join(f"{role} {url}" for role, url in self.workers.urls.items())
        self._done("workers", f"/metrics and /health at {where}")
        while time.monotonic() < until:
            self.workers.check()
            time.sleep(0.5)

    # -- around

    async def _models(self) -> dict[str, str]:
        """The models that the workers use: kind → version."""
        scraper = Scraper(self.workers.urls)
        try:
            look = await scraper.look()
        finally:
            await scraper.close()
        versions = (version for (version,) in look.by("stridelog_model_info", "version"))
        return {version.partition("/")[0]: version for version in versions}

    def _train(self, which: str) -> Any:
        """Train in a process of its own: MLflow is large. What it prints as JSON; raises ``UserError``."""
        with self._step("models", "training from the lake"):
            done = subprocess.run([*_COMMAND, "models", "train", which, "--json"], capture_output=True, check=False)  # noqa: S603
        if done.returncode != 0:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            raise UserError(lines[-1].removeprefix("stridelog: ") if lines else f"exit code {done.returncode}")
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def _step(self, step: str, what: str) -> Generator[None, None, None]:
        with self.console.status(f"[bold]{step}[/] {escape(what)}"):
            yield

    @contextlib.contextmanager
    def _quiet_logs(self) -> Generator[None, None, None]:
        """Clients that log would write into the screen; what is wrong is said on it."""
        import logging

        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)

    def _progress(self) -> Progress:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
        return Progress(
            *columns,
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )

    def _done(self, step: str, what: str) -> None:
        self.console.print(f"[green]✓[/] [bold]{step}[/] {escape(what)}", highlight=False)

    def _note(self, what: str) -> None:
        self.console.print(f"[yellow]![/] {escape(what)}", highlight=False)

    def _short(self, path: Path) -> str:
        with contextlib.suppress(ValueError):
            return str(path.resolve().relative_to(Path.cwd()))
        return str(path)


_FONT_FACE: Final = re.compile(r"@font-face\s*\{[^}]*\}\s*")
_COMMAND: Final = (sys.executable, "-m", "stridelog")


def _town_arguments(town: TownFile) -> list[str]:
    return ["--athletes", str(town.athletes), "--seed", str(town.seed)]

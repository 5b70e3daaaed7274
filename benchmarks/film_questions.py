"""Questions about films: real facts (bokeh-sampledata's movies.db, CC0), templated language, films and templates held out.

Used by question_answering.py. A context tells some facts of one film and some of another; a question asks for one of them. No film and
no template of the test (or validation) part, of contexts or of questions, occurs in another part.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FACTS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "director": (
        (
            "{t} was directed by {v}.",
            "The director of {t} is {v}.",
            "{v} directed {t}.",
            "Directed by {v}, {t} found its audience slowly.",
            "{v} sat in the director's chair for {t}.",
            "As director, {v} was responsible for {t}.",
            "The film {t} is the work of director {v}.",
            "{t} has {v} as its director.",
            "It was {v} who directed {t}.",
            "Behind the camera of {t} stood {v}.",
            "{t}, a film by {v}, is remembered by many.",
            "Under the direction of {v}, {t} was made.",
            "Direction of {t} was in the hands of {v}.",
            "The studio asked {v} to direct {t}.",
            "The man or woman who directed {t} was {v}.",
            "{t} had {v} for a director.",
            "{v} is the director behind {t}.",
            "Director {v} made {t}.",
            "{v} took on the direction of {t}.",
            "The person who directed {t} is called {v}.",
            "With {v} as director, work on {t} began.",
            "For {t}, {v} was the director.",
            "{v} made {t} as its director.",
            "{t} is a film that {v} directed.",
            "The camera crew of {t} followed director {v}.",
            "{t} was a film of the director {v}.",
            "{v}, who directed {t}, was pleased with it.",
            "On the set of {t}, {v} gave directions.",
        ),
        (
            "Who directed {t}?",
            "Who is the director of {t}?",
            "Which director made {t}?",
            "By whom was {t} directed?",
            "Who was the director of the film {t}?",
            "What is the name of the director of {t}?",
            "{t} was directed by whom?",
            "Name the director of {t}.",
            "Whose direction was {t} made under?",
            "Who directed the film {t}?",
            "Which person directed {t}?",
            "Under whose direction was {t} made?",
            "Who sat in the director's chair for {t}?",
            "Who stood behind the camera of {t}?",
            "Who was the director of {t}?",
            "Can you name the director of {t}?",
            "Tell me who directed {t}.",
            "Which director was behind {t}?",
            "Who is the film director of {t}?",
            "Who was it that directed {t}?",
            "The director of {t} is who?",
            "What was the name of the director of {t}?",
            "Who made the film {t} as a director?",
            "Who took on the direction of {t}?",
            "What is the director of {t} called?",
            "Who gave directions on the set of {t}?",
            "Of {t}, who was the director?",
            "By which director is {t}?",
        ),
    ),
    "writer": (
        (
            "{t} was written by {v}.",
            "The script of {t} is by {v}.",
            "{v} wrote {t}.",
            "The writer of {t} is {v}.",
            "The screenplay of {t} was written by {v}.",
            "{v} is credited with the script of {t}.",
            "Written by {v}, {t} has many quiet scenes.",
            "It was {v} who wrote the script of {t}.",
            "As writer, {v} gave {t} its story.",
            "{v} wrote the screenplay for {t}.",
            "The story of {t} comes from writer {v}.",
            "For {t} the words were written by {v}.",
            "{t} owes its screenplay to {v}.",
            "The author of the screenplay of {t} is {v}.",
            "The person who wrote {t} is {v}.",
            "{t} has a script by {v}.",
            "{v} is the writer of {t}.",
            "Writer {v} wrote the story of {t}.",
            "{v} put the story of {t} on paper.",
            "The writer behind {t} is {v}.",
            "For {t}, {v} wrote the script.",
            "{t} is based on a script that {v} wrote.",
            "With {v} as writer, {t} got its story.",
            "The script for {t} came from {v}.",
            "{v}, who wrote {t}, liked long sentences.",
            "The writing of {t} was done by {v}.",
            "The name of the writer of {t} is {v}.",
            "{t} had {v} for a writer.",
        ),
        (
            "Who wrote {t}?",
            "Who is the writer of {t}?",
            "Who wrote the script of {t}?",
            "By whom was {t} written?",
            "Who wrote the screenplay of {t}?",
            "What is the name of the writer of {t}?",
            "Name the writer of {t}.",
            "Whose script is {t} based on?",
            "Which writer wrote {t}?",
            "{t} was written by whom?",
            "Who is credited with the script of {t}?",
            "Which person wrote the screenplay for {t}?",
            "To whom does {t} owe its screenplay?",
            "Who is the author of the script of {t}?",
            "Who was the writer of {t}?",
            "Can you name the writer of {t}?",
            "Tell me who wrote {t}.",
            "Who wrote the story of {t}?",
            "Who was it that wrote {t}?",
            "The writer of {t} is who?",
            "Who wrote the script for {t}?",
            "By which writer is {t}?",
            "Whose script is {t}?",
            "Which person wrote {t}?",
            "From which writer is the script of {t}?",
            "Who did the writing of {t}?",
            "What was the name of the writer of {t}?",
            "Who wrote the film {t}?",
        ),
    ),
    "actor": (
        (
            "{v} acts in {t}.",
            "{v} appears in {t}.",
            "The cast of {t} includes {v}.",
            "{t} stars {v}.",
            "{v} plays a part in {t}.",
            "In {t} a role is played by {v}.",
            "{v} is one of the actors of {t}.",
            "Among the actors of {t} is {v}.",
            "{t} features {v} in its cast.",
            "{v} was cast in {t}.",
            "Starring {v}, {t} drew a crowd.",
            "The actors of {t} include {v}.",
            "{v} can be seen on screen in {t}.",
            "A part in {t} went to {v}.",
            "One actor of {t} is {v}.",
            "{v} is an actor in {t}.",
            "{v} has a role in {t}.",
            "A role in {t} is played by {v}.",
            "{v} acted in {t}.",
            "{v} played in {t}.",
            "Actor {v} appears in {t}.",
            "{v} stars in {t}.",
            "{v} is in the cast of {t}.",
            "On the cast list of {t} stands {v}.",
            "In the cast of {t} one finds {v}.",
            "{v} is among those who act in {t}.",
            "The star of {t} is {v}.",
            "{v} took a part in {t}.",
        ),
        (
            "Who acts in {t}?",
            "Who appears in {t}?",
            "Who stars in {t}?",
            "Which actor is in {t}?",
            "Who plays a part in {t}?",
            "Who is in the cast of {t}?",
            "Name an actor of {t}.",
            "Which actor appears in {t}?",
            "Who was cast in {t}?",
            "Who has a role in {t}?",
            "Who is one of the actors of {t}?",
            "Who plays a role in the film {t}?",
            "Whom can one see on screen in {t}?",
            "Which member of the cast of {t} is named?",
            "Who is an actor in {t}?",
            "Who acted in {t}?",
            "Can you name an actor of {t}?",
            "Tell me who acts in {t}.",
            "Which actor has a part in {t}?",
            "Who played in {t}?",
            "Who is the star of {t}?",
            "Which actor plays in {t}?",
            "Who took a part in {t}?",
            "Which person acts in {t}?",
            "Which actor was cast in {t}?",
            "Whose name is on the cast list of {t}?",
            "Who starred in {t}?",
            "Who of the actors is in {t}?",
        ),
    ),
    "year": (
        (
            "{t} came out in {v}.",
            "{t} was released in {v}.",
            "The year of {t} is {v}.",
            "{v} was the year of {t}.",
            "It was in {v} that {t} came to the cinemas.",
            "In {v}, {t} was first shown.",
            "{t} is a film of the year {v}.",
            "{t} was first shown in {v}.",
            "The release of {t} was in {v}.",
            "Cinemas showed {t} for the first time in {v}.",
            "{t} dates from {v}.",
            "The film {t} was made in {v}.",
            "Audiences first saw {t} in {v}.",
            "The premiere of {t} took place in {v}.",
            "{t} appeared in {v}.",
            "In the year {v}, {t} came out.",
            "The release year of {t} is {v}.",
            "{t} was made in the year {v}.",
            "{v} saw the release of {t}.",
            "{t} reached the cinemas in {v}.",
            "{t} has been around since {v}.",
            "{t} is from {v}.",
            "The first showing of {t} was in {v}.",
            "{t} opened in {v}.",
            "The film {t} is from the year {v}.",
            "Since {v} people have watched {t}.",
            "{t} first appeared in {v}.",
            "The date of {t} is given as {v}.",
        ),
        (
            "When did {t} come out?",
            "When was {t} released?",
            "In which year did {t} come out?",
            "What is the year of {t}?",
            "In what year was {t} released?",
            "When was {t} first shown?",
            "Which year is {t} from?",
            "In which year was {t} first shown?",
            "When was the film {t} made?",
            "When did the cinemas first show {t}?",
            "What year was {t} made in?",
            "In what year did audiences first see {t}?",
            "When did the premiere of {t} take place?",
            "From which year does {t} date?",
            "In which year was {t} made?",
            "In what year did {t} appear?",
            "What is the release year of {t}?",
            "When did {t} first appear?",
            "In which year did {t} open?",
            "When did {t} reach the cinemas?",
            "Of what year is {t}?",
            "Tell me the year of {t}.",
            "When was the release of {t}?",
            "When was {t} made?",
            "What year is {t} from?",
            "In which year was the release of {t}?",
            "Since when has {t} been around?",
            "When was the first showing of {t}?",
        ),
    ),
    "runtime": (
        (
            "{t} runs for {v} minutes.",
            "{t} is {v} minutes long.",
            "The length of {t} is {v} minutes.",
            "It takes {v} minutes to watch {t}.",
            "{t} lasts {v} minutes.",
            "After {v} minutes {t} is over.",
            "With {v} minutes, {t} is as long as it has to be.",
            "The running time of {t} is {v} minutes.",
            "{t} takes {v} minutes.",
            "Viewers of {t} sit for {v} minutes.",
            "The film {t} fills {v} minutes.",
            "{v} minutes is how long {t} lasts.",
            "A showing of {t} takes {v} minutes.",
            "{t} has a duration of {v} minutes.",
            "{t} goes on for {v} minutes.",
            "{t} has a length of {v} minutes.",
            "One sits through {t} for {v} minutes.",
            "Watching {t} takes {v} minutes.",
            "{t} ends after {v} minutes.",
            "The runtime of {t} is {v} minutes.",
            "{t} is a film of {v} minutes.",
            "In {v} minutes {t} tells its story.",
            "{v} minutes is the length of {t}.",
            "For {v} minutes {t} keeps going.",
            "{t} runs {v} minutes.",
            "It is {v} minutes until the end of {t}.",
            "The film {t} lasts for {v} minutes.",
            "{t} needs {v} minutes.",
        ),
        (
            "How long is {t}?",
            "How many minutes does {t} run?",
            "What is the length of {t} in minutes?",
            "How long does {t} last?",
            "How many minutes long is {t}?",
            "What is the running time of {t}?",
            "How long does it take to watch {t}?",
            "How many minutes does {t} take?",
            "For how long does {t} run?",
            "After how many minutes is {t} over?",
            "How long is the film {t}?",
            "How many minutes does the film {t} last?",
            "What is the duration of {t}?",
            "How much time does a showing of {t} take?",
            "How many minutes is {t}?",
            "What is the runtime of {t}?",
            "How long does {t} run?",
            "How many minutes does {t} last?",
            "How many minutes does it take to watch {t}?",
            "For how many minutes does {t} go on?",
            "How long does the film {t} go on?",
            "Tell me the length of {t} in minutes.",
            "After how many minutes does {t} end?",
            "How long does one sit through {t}?",
            "How long does {t} take?",
            "How many minutes does {t} need?",
            "What length has {t} in minutes?",
            "How long is a showing of {t}?",
        ),
    ),
    "country": (
        (
            "{t} was made in {v}.",
            "{t} comes from {v}.",
            "The country of {t} is {v}.",
            "{t} is a film from {v}.",
            "{v} is the country where {t} was made.",
            "{t} was produced in {v}.",
            "The production of {t} took place in {v}.",
            "Made in {v}, {t} travelled far.",
            "It was in {v} that {t} was produced.",
            "As a country of origin {t} names {v}.",
            "{v} is where {t} comes from.",
            "The film {t} was shot and produced in {v}.",
            "{t} originates from {v}.",
            "A company of {v} produced {t}.",
            "{t} is from {v}.",
            "{v} produced {t}.",
            "{t} was filmed in {v}.",
            "The country that made {t} is {v}.",
            "{t} has its origin in {v}.",
            "The makers of {t} worked in {v}.",
            "{v} is the country of {t}.",
            "{t} was a production of {v}.",
            "The origin of {t} is {v}.",
            "In {v} they made {t}.",
            "{t} was born in {v}, so to speak.",
            "A studio in {v} made {t}.",
            "The country where {t} was produced is {v}.",
            "The home of {t} is {v}.",
        ),
        (
            "Where was {t} made?",
            "Where does {t} come from?",
            "Which country is {t} from?",
            "In which country was {t} made?",
            "What is the country of {t}?",
            "In which country was {t} produced?",
            "Where was {t} produced?",
            "From which country does {t} come?",
            "What country does {t} come from?",
            "Where was the film {t} made?",
            "What is the country of origin of {t}?",
            "In what country was the film {t} produced?",
            "Where does the film {t} originate from?",
            "Which country produced {t}?",
            "Which country made {t}?",
            "What is the origin of {t}?",
            "In which country was {t} filmed?",
            "Where was {t} filmed?",
            "What country produced {t}?",
            "Where is {t} from?",
            "What country is {t} from?",
            "Tell me the country of {t}.",
            "In what country was {t} made?",
            "Which is the country of {t}?",
            "What is the home of {t}?",
            "Where did they make {t}?",
            "From where does {t} come?",
            "In which country does {t} have its origin?",
        ),
    ),
    "language": (
        (
            "{t} is in {v}.",
            "The language of {t} is {v}.",
            "In {t} people speak {v}.",
            "The people in {t} speak {v}.",
            "{v} is spoken in {t}.",
            "{v} is the language of {t}.",
            "The dialogue of {t} is in {v}.",
            "One hears {v} in {t}.",
            "{t} was shot in the {v} language.",
            "The actors of {t} speak {v}.",
            "All of {t} is spoken in {v}.",
            "As its language {t} has {v}.",
            "The characters of {t} talk in {v}.",
            "The original language of {t} is {v}.",
            "{t} is spoken in {v}.",
            "People speak {v} in {t}.",
            "{t} was made in the language {v}.",
            "The spoken language of {t} is {v}.",
            "They talk {v} in {t}.",
            "One hears people speak {v} in {t}.",
            "{v} is what they speak in {t}.",
            "The film {t} is in the {v} language.",
            "{t} has dialogue in {v}.",
            "The language spoken in {t} is {v}.",
            "For {t} one should know {v}.",
            "{t} uses the {v} language.",
            "The words one hears in {t} are {v}.",
            "Everybody in {t} speaks {v}.",
        ),
        (
            "In which language is {t}?",
            "What is the language of {t}?",
            "Which language is spoken in {t}?",
            "What language do people speak in {t}?",
            "Which language do the actors of {t} speak?",
            "What language is {t} in?",
            "In what language was {t} shot?",
            "Which language does one hear in {t}?",
            "What is spoken in {t}?",
            "What language is the dialogue of {t} in?",
            "Which language does {t} have?",
            "In which language is the film {t}?",
            "In what language do the characters of {t} talk?",
            "What is the original language of {t}?",
            "In what language is {t}?",
            "What language is spoken in {t}?",
            "What is the spoken language of {t}?",
            "Which language do people speak in {t}?",
            "Which language is {t} in?",
            "In which language was {t} made?",
            "What do they speak in {t}?",
            "Tell me the language of {t}.",
            "Which language does {t} use?",
            "Which language do they talk in {t}?",
            "In which language is the dialogue of {t}?",
            "What language does everybody in {t} speak?",
            "Which language should one know for {t}?",
            "Of what language is {t}?",
        ),
    ),
    "genre": (
        (
            "{t} belongs to the genre {v}.",
            "The genre of {t} is {v}.",
            "{t} is filed under {v}.",
            "{v} is the genre of {t}.",
            "Critics call {t} a work of the {v} genre.",
            "{t} counts as {v}.",
            "As to genre, {t} is {v}.",
            "People who like {v} will like {t}.",
            "{t} is a film of the genre {v}.",
            "Shops put {t} on the shelf for {v}.",
            "{t} is listed as {v}.",
            "Fans of the genre {v} know {t}.",
            "The catalogue lists {t} under {v}.",
            "In the category {v} one finds {t}.",
            "{t} is a {v} film.",
            "{t} is of the genre {v}.",
            "The kind of film that {t} is: {v}.",
            "As a genre, {t} has {v}.",
            "{t} falls under {v}.",
            "The genre given for {t} is {v}.",
            "{t} is put under {v}.",
            "One calls {t} {v}.",
            "{t} is a film for those who like {v}.",
            "Under the genre {v} one finds {t}.",
            "{t} is classed as {v}.",
            "The list of {v} films holds {t}.",
            "{v} is what {t} is listed as.",
            "{t} is known as {v}.",
        ),
        (
            "What is the genre of {t}?",
            "Which genre does {t} belong to?",
            "What genre is {t}?",
            "Of which genre is {t}?",
            "To which genre does {t} belong?",
            "What kind of film is {t}?",
            "Under which genre is {t} filed?",
            "What genre does {t} count as?",
            "Which kind of film is {t}?",
            "Which genre is {t}?",
            "What does {t} count as?",
            "What genre is the film {t}?",
            "Under what does the catalogue list {t}?",
            "In which category does one find {t}?",
            "Under which genre does {t} fall?",
            "What genre is given for {t}?",
            "What is {t} classed as?",
            "What kind of genre is {t}?",
            "What is {t} listed as?",
            "Tell me the genre of {t}.",
            "Which genre is given for {t}?",
            "What is the kind of film that {t} is?",
            "Under which genre does one find {t}?",
            "Of what genre is {t}?",
            "What genre does {t} have?",
            "What does one call {t}?",
            "To what genre does {t} belong?",
            "In which genre is {t}?",
        ),
    ),
}
HELD = {"test": 5, "val": 5}  # templates of each list that only that part uses


def films(path: Path) -> list[dict[str, str]]:
    """Films that have at least five facts: a single director, writer, country and language; one of the cast."""
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    columns = 'Title, Year, Runtime, Genre, Director, Writer, "Cast", Language, Country'
    rows = base.execute(f"select {columns} from omdb order by ID").fetchall()
    base.close()
    made, seen = [], set()
    for title, year, runtime, genre, director, writer, cast, language, country in rows:
        draw = random.Random(title)
        actors = [name for name in (cast or "").split(", ") if name]
        found = {
            "director": _one(director),
            "writer": _one(writer) if writer != director else "",
            "actor": draw.choice(actors) if actors else "",
            "year": str(year) if year else "",
            "runtime": str(int(runtime)) if runtime else "",
            "country": _one(country),
            "language": _one(language),
            "genre": (genre or "").split(", ")[0],
        }
        facts = {name: value for name, value in found.items() if value}
        if title and title not in seen and len(title) > 2 and len(facts) >= 5:
            seen.add(title)
            made.append({"title": title, **facts})
    return made


def _one(text: str | None) -> str:
    return text if text and "," not in text else ""


def templates(part: str) -> dict[str, tuple[list[str], list[str]]]:
    """fact → (sentences, questions) of a part, divided at random once for all."""
    made = {}
    for fact, lists in FACTS.items():
        chosen = []
        for kind, all_ in enumerate(lists):
            order = list(all_)
            random.Random(f"{fact}/{kind}").shuffle(order)
            test, val = HELD["test"], HELD["val"]
            parts = {"test": order[:test], "val": order[test : test + val], "train": order[test + val :]}
            chosen.append(parts[part])
        made[fact] = (chosen[0], chosen[1])
    return made


def squad(some: Sequence[Mapping[str, str]], part: str, each: int, seed: int) -> dict[str, Any]:
    """SQuAD v1.1: one context for a film, with up to ``each`` questions whose answers stand in it exactly once."""
    draw = random.Random(f"{part}/{seed}")
    known = templates(part)
    data = []
    for place, film in enumerate(some):
        other = some[draw.randrange(len(some))]
        sentences = [(fact, film) for fact in _drawn(draw, film, 4)]
        if other is not film:
            sentences += [(fact, other) for fact in _drawn(draw, other, 2)]
        draw.shuffle(sentences)
        context = " ".join(draw.choice(known[fact][0]).format(t=one["title"], v=one[fact]) for fact, one in sentences)
        asked = []
        draw.shuffle(sentences)
        for fact, one in sentences:
            if context.count(one[fact]) == 1 and len(asked) < each:
                question = draw.choice(known[fact][1]).format(t=one["title"])
                answer = {"text": one[fact], "answer_start": context.index(one[fact])}
                asked.append({"id": f"{part}-{place}-{len(asked)}", "question": question, "answers": [answer]})
        if asked:
            data.append({"title": f"{part} {place}", "paragraphs": [{"context": context, "qas": asked}]})
    return {"version": "1.1", "data": data}


def _drawn(draw: random.Random, film: Mapping[str, str], most: int) -> list[str]:
    facts = [name for name in film if name != "title"]
    return draw.sample(facts, min(most, len(facts)))


def write(path: Path, target: Path, train: int, each: int = 3, seed: int = 0) -> dict[str, int]:
    """train.json, dev.json and test.json in ``target``; how many questions each has. train: films of the training part."""
    every = films(path)
    random.Random(seed).shuffle(every)
    held = 800
    parts = {"test": every[:held], "val": every[held : 2 * held], "train": every[2 * held : 2 * held + train]}
    target.mkdir(parents=True, exist_ok=True)
    counts = {}
    for part, some in parts.items():
        content = squad(some, part, each, seed)
        name = {"val": "dev"}.get(part, part)
        (target / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        counts[part] = sum(len(one["paragraphs"][0]["qas"]) for one in content["data"])
    return counts

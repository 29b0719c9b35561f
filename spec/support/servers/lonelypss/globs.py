"""A database whose globs match, whatever SQLite it runs on."""

import sqlite3

from lonelypss.config.helpers.sqlite_db_config import SqliteDBConfig


class MatchingDatabase(SqliteDBConfig):
    """
    The broadcaster binds topics as BLOBs, and some builds of SQLite have no glob match any of those. Here topics are compared
    as text, by SQLite's own GLOB, on all builds.
    """

    async def setup_db(self):
        await super().setup_db()
        texts = sqlite3.connect(":memory:")

        def matches(glob, topic):
            try:
                text = topic.decode("utf-8") if isinstance(topic, bytes) else topic
            except UnicodeDecodeError:
                return 0
            return texts.execute("SELECT ?1 GLOB ?2", (text, glob)).fetchone()[0]

        self.connection.create_function("glob", 2, matches, deterministic=True)

-- Full text: the words of the one row with the key of _content. They are folded and
-- parted by spaces, so that all that the tokenizer has to do is to part them.
CREATE VIRTUAL TABLE string_words USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii');
CREATE TRIGGER string_words_insert AFTER INSERT ON string_row WHEN new.key = -1633481677 BEGIN
  INSERT INTO string_words (rowid, words) VALUES (new.rid, new.norm || new.rest);
END;
CREATE TRIGGER string_words_delete AFTER DELETE ON string_row WHEN old.key = -1633481677 BEGIN
  INSERT INTO string_words (string_words, rowid, words) VALUES ('delete', old.rid, old.norm || old.rest);
END;

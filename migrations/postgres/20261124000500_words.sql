-- Full text: the words of the one row with the key of _content.
CREATE INDEX string_words ON string_row USING gin (string_to_array(norm || rest, ' ')) WHERE key = -1633481677;

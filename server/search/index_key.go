package search

// partKeys are the keys under which a part keeps rows; 0 where it keeps none:
// the component of a composite has its main rows alone.
type partKeys struct {
	main, text, sort, identifier, ofType Key
}

func keysOf(p *Parameter) partKeys {
	of := func(suffix string) Key { return KeyOf(p.Base, p.Code+suffix) }
	return partKeys{main: p.Key, text: of(textKey), sort: p.sortKey, identifier: of(identifierKey), ofType: of(ofTypeKey)}
}

// of is the key that stands here for a key of another part.
func (k *partKeys) of(other partKeys, key Key) Key {
	switch key {
	case other.main:
		return k.main
	case other.text:
		return k.text
	case other.sort:
		return k.sort
	case other.identifier:
		return k.identifier
	}
	return k.ofType
}

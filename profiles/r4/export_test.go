package r4

import "tenon/fhir/definition"

// ReadIndex reads a library anew, as the first call of Library reads the
// embedded one. kept tells how many blocks and bytes are inflated.
func ReadIndex(index, blocks string, room int) (lib *definition.Library, kept func() (blocks, bytes int), err error) {
	from := newArchive(blocks, room)
	list, err := readIndex(index, from)
	if err != nil {
		return nil, nil, err
	}
	return definition.NewLibrary(list...), func() (int, int) {
		from.mu.Lock()
		defer from.mu.Unlock()
		size := 0
		for _, k := range from.kept {
			size += len(k.body)
		}
		return len(from.kept), size
	}, nil
}

// ReadLibrary reads the embedded library anew.
func ReadLibrary() *definition.Library {
	lib, _, err := ReadIndex(libraryIndex, libraryBlocks, cached)
	if err != nil {
		panic(err)
	}
	return lib
}

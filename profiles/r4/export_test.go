package r4

import "tenon/fhir/definition"

// ReadLibrary reads the index anew, as the first call of Library does.
func ReadLibrary() *definition.Library {
	list, err := readIndex(libraryIndex, newArchive(libraryBlocks, cached))
	if err != nil {
		panic(err)
	}
	return definition.NewLibrary(list...)
}

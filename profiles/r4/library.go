package r4

import (
	_ "embed" // the library
	"fmt"
	"strconv"
	"strings"
	"sync"

	"tenon/fhir/definition"
)

// libraryIndex and libraryBlocks are the library as generate packs it. The
// blocks lie behind one another, each deflated on its own. The index has, for
// each, a line "type, package, length deflated, length" and then one line per
// resource in it: "length, URL, version, id, name, status, superseded or
// nothing, type, derivation, kind". Fields are split by tabs. Both are strings
// so that what the library says of its resources is read where it lies.
//
//go:embed library.tsv
var libraryIndex string

//go:embed library.bin
var libraryBlocks string

// Library holds every conformance resource of R4 but the examples, and HL7
// Terminology: StructureDefinition with snapshot and differential, ValueSet,
// CodeSystem, ConceptMap, SearchParameter, OperationDefinition,
// CompartmentDefinition, CapabilityStatement, NamingSystem. It is the same one
// on every call. A resource's bytes are inflated when they are asked for.
func Library() *definition.Library { return library() }

var library = sync.OnceValue(func() *definition.Library {
	list, err := readIndex(libraryIndex, newArchive(libraryBlocks, cached))
	if err != nil {
		panic("r4: the embedded library is broken: " + err.Error())
	}
	return definition.NewLibrary(list...)
})

// readIndex describes all resources of the index.
func readIndex(index string, from *archive) ([]*definition.Resource, error) {
	list := make([]*definition.Resource, 0, strings.Count(index, "\n"))
	var in definition.Resource // what all of a block have in common
	var at span
	for number := 1; index != ""; number++ {
		var line string
		line, index, _ = strings.Cut(index, "\n")
		var fields [10]string
		switch split(line, &fields) {
		case 4:
			block, err := from.add(fields[2], fields[3])
			if err != nil {
				return nil, fmt.Errorf("line %d of the index: %w", number, err)
			}
			in.Type, in.Package, at = fields[0], fields[1], span{block: block}
		case 10:
			length, err := strconv.Atoi(fields[0])
			if err != nil || length <= 0 || at.end+length > from.size(at.block) {
				return nil, fmt.Errorf("line %d of the index: the length %s is not inside the block", number, fields[0])
			}
			at.start, at.end = at.end, at.end+length
			list = append(list, describe(in, &fields, from, at))
		default:
			return nil, fmt.Errorf("line %d of the index has too few or too many fields", number)
		}
	}
	return list, nil
}

func describe(r definition.Resource, fields *[10]string, from *archive, at span) *definition.Resource {
	r.URL, r.Version, r.ID, r.Name, r.Status = fields[1], fields[2], fields[3], fields[4], fields[5]
	r.Superseded = fields[6] != ""
	r.Of, r.Derivation, r.Kind = fields[7], fields[8], fields[9]
	return definition.New(r, func() ([]byte, error) { return from.read(at) })
}

// split cuts a line at its tabs and counts the fields; more than fit count as
// one more.
func split(line string, fields *[10]string) int {
	for i := range fields {
		var more bool
		if fields[i], line, more = strings.Cut(line, "\t"); !more {
			return i + 1
		}
	}
	return len(fields) + 1
}

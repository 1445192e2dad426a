// Command generate makes definitions.json.gz from an unpacked npm package
// hl7.fhir.r4.examples@4.0.1. It reads files only, fetches nothing, and writes
// the same bytes for the same package.
//
//	go run ./generate -package DIR -out definitions.json.gz
//
// It takes what HL7 publishes under http://hl7.org/fhir and leaves the
// package's examples, logical models and profiles alone.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"

	"tenon/fhir/schema"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	dir := flag.String("package", os.Getenv("TENON_R4_PACKAGE"), "folder of the unpacked package (holds package.json)")
	out := flag.String("out", "definitions.json.gz", "file to write")
	flag.Parse()
	if err := run(*dir, *out); err != nil {
		log.Fatal(err)
	}
}

func run(dir, out string) error {
	if dir == "" {
		return fmt.Errorf("name the unpacked package with -package or TENON_R4_PACKAGE")
	}
	defs, err := build(dir)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := schema.Encode(&b, defs); err != nil {
		return err
	}
	if _, err := schema.Decode(bytes.NewReader(b.Bytes())); err != nil {
		return fmt.Errorf("what was made does not link: %w", err)
	}
	log.Printf("%d types, %d search parameters, %d compartments, %d value sets, %d bytes",
		len(defs.Types), len(defs.Search), len(defs.Compartments), len(defs.ValueSets), b.Len())
	return os.WriteFile(out, b.Bytes(), 0o644)
}

func build(dir string) (*schema.Definitions, error) {
	src, err := open(dir)
	if err != nil {
		return nil, err
	}
	defs := &schema.Definitions{Version: src.version}
	t := typeBuilder{defs: defs, invariants: map[schema.Invariant]int{}}
	if err := t.build(src); err != nil {
		return nil, err
	}
	if defs.Search, err = searchParameters(src); err != nil {
		return nil, err
	}
	if defs.Compartments, err = compartments(src); err != nil {
		return nil, err
	}
	defs.ValueSets, err = valueSets(src, defs)
	return defs, err
}

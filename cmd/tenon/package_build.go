package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"tenon/fhir/ig"
	"tenon/profiles"
)

// guideName is the name of our guide as a package.
const guideName = "tenon.guide"

type packageBuild struct {
	Output string `short:"o" default:"tenon.guide.tgz" help:"File to write (- for standard output)."`
}

// Run writes the guide that the binary carries as a FHIR package. The same
// binary writes the same bytes.
func (p *packageBuild) Run(_ context.Context, out io.Writer) error {
	c := &ig.Content{
		Manifest: ig.Manifest{
			Reference: ig.Reference{Name: guideName, Version: release}, Title: "Tenon: devices made for one patient", Canonical: "urn:tenon",
			FHIRVersions: []string{"4.0.1"},
			Dependencies: []ig.Reference{{Name: "hl7.fhir.r4.core", Version: "4.0.1"}, {Name: "hl7.terminology.r4", Version: "7.0.1"}},
		},
		Author: "Tenon", Description: "Profiles, code systems, forms, limits and processes of devices made for one patient, in English and Chinese",
		Definitions: profiles.Definitions(),
	}
	guide, err := profiles.Guide(guideName, release)
	if err != nil {
		return err
	}
	c.Definitions = append(c.Definitions, guide)
	for _, x := range profiles.Examples() {
		c.Examples = append(c.Examples, x.Body)
	}
	var b bytes.Buffer
	if err := ig.Write(&b, c); err != nil {
		return err
	}
	if p.Output == "-" {
		_, err = out.Write(b.Bytes())
		return err
	}
	if err := os.WriteFile(p.Output, b.Bytes(), 0o600); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s#%s, %d definitions, %d examples\n", p.Output, guideName, release, len(c.Definitions), len(c.Examples))
	return err
}

// Command ucumlhc compares package ucum with ucum-lhc, the implementation of
// the National Library of Medicine: the value and dimension of all its units,
// and the verdict on codes, right and wrong ones:
//
//	TENON_UCUM_LHC=folder go run ./conformance/ucumlhc
//
// TENON_UCUM_LHC is the folder whose node_modules hold what package.json names.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tenon/fhir/ucum"
)

// unit is what the other implementation says of a code.
type unit struct {
	Code      string
	Magnitude float64
	Dimension []int
	Special   bool
	Arbitrary bool
	Valid     *bool // of a code that it was asked
}

func main() {
	report := flag.String("report", "conformance/results/ucum-lhc.md", "file to write; empty for none")
	flag.Parse()
	if err := run(*report); err != nil {
		log.Fatal(err)
	}
}

func run(report string) error {
	units, err := others()
	if err != nil {
		return err
	}
	groups, compared := map[string][]string{}, 0
	for i := range units {
		compared++
		if why := differs(&units[i]); why != "" {
			groups[why] = append(groups[why], "`"+units[i].Code+"`")
		}
	}
	out := io.Writer(os.Stdout)
	if report != "" {
		f, err := os.Create(report)
		if err != nil {
			return err
		}
		defer f.Close()
		out = io.MultiWriter(out, f)
	}
	fmt.Fprintf(out, "# UCUM beside ucum-lhc\n\n%s: %d units and codes compared (make ucum-diff). Those that differ, by reason:\n", time.Now().Format("2006-01-02"), compared)
	for _, why := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(out, "\n- %d × %s: %s\n", len(groups[why]), why, strings.Join(groups[why], ", "))
	}
	return nil
}

func others() ([]unit, error) {
	modules, err := filepath.Abs(os.Getenv("TENON_UCUM_LHC"))
	if err != nil || os.Getenv("TENON_UCUM_LHC") == "" {
		return nil, fmt.Errorf("TENON_UCUM_LHC names no folder; see go doc ./conformance/ucumlhc (%v)", err)
	}
	cmd := exec.Command("node", "conformance/ucumlhc/list.mjs")
	cmd.Env = append(os.Environ(), "TENON_UCUM_LHC="+modules)
	cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Join(codes, "\n")), io.Discard
	data, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var units []unit
	return units, json.NewDecoder(bytes.NewReader(data)).Decode(&units)
}

// differs tells why the two do not agree on a unit, "" if they do.
func differs(u *unit) string {
	mine, err := ucum.Parse(u.Code)
	if u.Valid != nil {
		if *u.Valid == (err == nil) {
			return ""
		}
		if why := verdicts[u.Code]; why != "" {
			return why
		}
		return fmt.Sprintf("not explained: valid here %v, there %v", err == nil, *u.Valid)
	}
	switch {
	case err != nil && strings.TrimSpace(u.Code) != u.Code:
		return "its table has codes with blanks"
	case u.Code == "Torr":
		return "no unit of ucum-essence.xml"
	case err != nil:
		return "not explained: " + err.Error()
	case mine.Special(), u.Arbitrary && !strings.ContainsAny(u.Code, "./"):
		return ""
	}
	if dims := mine.Dimension(); u.Dimension != nil && !slices.Equal(dims[:], u.Dimension) {
		if slices.Contains([]string{"[diop]", "[mesh_i]", "Bd"}, u.Code) {
			return "its dimension has the wrong sign: UCUM defines the unit by a leading division"
		}
		return "not explained: dimension"
	}
	return sameValue(mine, u)
}

func sameValue(mine ucum.Unit, u *unit) string {
	f, _ := new(big.Float).SetRat(mine.Factor()).Float64()
	ratio := f / u.Magnitude
	switch {
	case math.Abs(ratio-1) < 1e-12:
		return ""
	case math.Abs(ratio-1) < 1e-3 && math.Abs(ratio-1) > 1e-9:
		return "constants: UCUM 2.2 has those of the revised SI (mol, u, eV, [h], [k], [e] …), it has older ones"
	case strings.Contains(u.Code, "[LPF]"):
		return "UCUM 2.2 gives [LPF] the value 100"
	case u.Code == "[mesh_i]":
		return "its value is inverted: UCUM defines the unit by a leading division"
	}
	return fmt.Sprintf("not explained: %v times its value", ratio)
}

package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	data := flag.String("serve", "", "be the server under test on this folder")
	plain := flag.String("decrypt", "", "be the handler that only decrypts what is in this folder")
	root := flag.String("orthanc", os.Getenv("TENON_ORTHANC_ROOT"), "Debian root folder that holds Orthanc; empty: this machine")
	out := flag.String("out", "", "file for the table; empty: standard output only")
	rounds := flag.Int("rounds", 3, "rounds of each measure")
	only := flag.String("only", "", "measures whose name holds this")
	studies := flag.Int("studies", 0, "instead: queries over an archive of so many studies (2500 of 400: a million instances), without Orthanc")
	each := flag.Int("each", 400, "with -studies: instances of a study")
	keep := flag.String("data", "", "with -studies: folder of the archive, which stays and is asked again by a later run; empty: a temporary one")
	alone := flag.Bool("alone", false, "without Orthanc")
	flag.Parse()
	ctx := context.Background()
	for folder, be := range map[string]func(context.Context, string) error{*data: serve, *plain: decrypt} {
		if folder != "" {
			if err := be(ctx, folder); err != nil {
				log.Fatal(err)
			}
			return
		}
	}
	if *studies > 0 {
		table, err := many(ctx, *keep, *studies, *each, 40)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(table)
		return
	}
	table, err := run(ctx, *root, *rounds, *only, *alone)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(table)
	if *out != "" {
		if err := os.WriteFile(*out, []byte(table), 0o644); err != nil { //nolint:gosec // a table for everybody
			log.Fatal(err)
		}
	}
}

func run(ctx context.Context, root string, rounds int, only string, alone bool) (string, error) {
	folder, err := os.MkdirTemp("", "tenon-bench-archive-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	us, err := ours(ctx, "tenon", "-serve", folder)
	if err != nil {
		return "", err
	}
	defer func() { _ = us.stop() }()
	for n := range int64(patients) {
		if err := us.admit(ctx, strings.TrimSuffix(us.url, "/dicomweb")+"/fhir", patientID(n)); err != nil {
			return "", err
		}
	}
	peers := []*peer{us}
	if !alone {
		other, err := orthanc(ctx, root)
		if err != nil {
			return "", err
		}
		defer func() { _ = other.stop() }()
		peers = append(peers, other)
	}
	a := &archive{seed: time.Now().UnixMilli()}
	if err := a.fill(ctx, peers); err != nil {
		return "", err
	}
	floor, err := ours(ctx, bare, "-decrypt", folder)
	if err != nil {
		return "", err
	}
	defer func() { _ = floor.stop() }()
	list := slices.DeleteFunc(a.measures(), func(m *measure) bool { return !strings.Contains(m.what, only) })
	for _, m := range list {
		asked := peers
		if m.decrypted {
			asked = append(peers[:len(peers):len(peers)], floor)
		}
		if err := m.rounds(ctx, asked, rounds); err != nil {
			return "", err
		}
		fmt.Fprintf(os.Stderr, "%s: %.1f× (%.1f and %.1f %s; %.2f and %.2f ms CPU)\n", m.what, m.ratio(), middle(m.got["tenon"]), middle(m.got["Orthanc"]), m.unit,
			middle(m.cpu["tenon"]), middle(m.cpu["Orthanc"]))
	}
	return markdown(list, rounds), nil
}

// fill stores what is read: 300 studies of one slice, one of 400, one of large
// slices.
func (a *archive) fill(ctx context.Context, peers []*peer) error {
	a.long, a.large = a.series(400, 64), a.series(32, 512)
	for _, s := range [][][]byte{files(a.long), files(a.large)} {
		for _, p := range peers {
			if err := p.stow(ctx, s...); err != nil {
				return err
			}
		}
	}
	var many [][]byte
	for range 300 {
		many = append(many, files(a.series(1, 32))...)
	}
	for _, p := range peers {
		if err := p.stow(ctx, many...); err != nil {
			return err
		}
	}
	return nil
}

// rounds measures the peers one after the other, several times.
func (m *measure) rounds(ctx context.Context, peers []*peer, n int) error {
	m.got, m.cpu = map[string][]float64{}, map[string][]float64{}
	for round := range n {
		for _, p := range peers {
			before := p.cpu()
			got, err := m.run(ctx, p, round)
			if err != nil {
				return fmt.Errorf("%s: %w", m.what, err)
			}
			m.got[p.name] = append(m.got[p.name], got)
			m.cpu[p.name] = append(m.cpu[p.name], (p.cpu()-before)/float64(m.n))
		}
	}
	return nil
}

func markdown(list []*measure, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The DICOMweb door beside Orthanc\n\n`make bench-dicom`: medians of %d rounds (lowest–highest) on %d cores, client and both servers on the same machine, one server at a time; "+
		"Orthanc of Debian with SyncStorageArea, SQLite both; ours with audit and encryption. Ratio: how many times faster ours is. "+
		"Of bare: as much of the speed of a handler that does nothing but decrypt the same segments (goal 60 %%).\n\n", rounds, runtime.NumCPU())
	b.WriteString("| what | unit | tenon | Orthanc | ratio | goal | results (ours, Orthanc's) | of bare | server CPU ms each | CPU ratio |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, m := range list {
		goal := ""
		if m.goal > 0 {
			goal = fmt.Sprintf("≥ %.0f× %s", m.goal, map[bool]string{true: "met", false: "missed"}[m.ratio() >= m.goal])
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.1f× | %s | %s | %s | %.2f, %.2f | %.1f× |\n", m.what, m.unit, span(m.got["tenon"]), span(m.got["Orthanc"]), m.ratio(), goal, m.results(), m.ofBare(),
			middle(m.cpu["tenon"]), middle(m.cpu["Orthanc"]), m.cheaper())
	}
	return b.String()
}

func span(list []float64) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f (%.1f–%.1f)", middle(list), slices.Min(list), slices.Max(list))
}

package main

import (
	"context"
	"fmt"
)

const dicomJSON = "application/dicom+json"

// measures are the lines of the table.
func (a *archive) measures() []*measure {
	long := "/studies/" + a.long.StudyUID
	list := []*measure{
		a.stow("STOW, 1 client, 35 KB", 1, 30, 128),
		a.stow("STOW, 8 clients, 35 KB", 8, 81, 128),
		a.stow("STOW, 1 client, 0.5 MB", 1, 21, 512),
		a.stow("STOW, 8 clients, 0.5 MB", 8, 48, 512),
		a.batch("STOW, 50 of 0.5 MB in one request", 50, 512),
		get("QIDO, worklist as OHIF asks (limit=101)", 10, 15, "/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030,00080060", dicomJSON),
		get("QIDO, studies of a PatientID", 10, 15, "/studies?PatientID=BENCH-7", dicomJSON),
		get("QIDO, studies by name BENCH^0*", 10, 15, "/studies?PatientName=BENCH^0*", dicomJSON),
		get("QIDO, studies of ten days", 10, 15, "/studies?StudyDate=20260110-20260119", dicomJSON),
		get("QIDO, series of a study", 0, 20, long+"/series", dicomJSON),
		get("QIDO, instances of a study of 400", 10, 5, long+"/instances", dicomJSON),
		get("metadata of a study of 400", 10, 5, long+"/metadata", dicomJSON),
		get("metadata of an instance", 0, 20, long+"/series/"+a.long.SeriesUID+"/instances/"+a.long.InstanceUID(0)+"/metadata", dicomJSON),
	}
	return append(list,
		a.each("frames of 0.5 MB", 2, 30, "/frames/1", `multipart/related; type="application/octet-stream"; transfer-syntax=*`),
		a.each("instances of 0.5 MB", 2, 30, "", `multipart/related; type="application/dicom"; transfer-syntax=*`),
		a.series8("instances of 0.5 MB, 8 clients", 2, 96),
		a.rendered("rendered JPEG of 512²", 2, 15))
}

// stow stores instances of three studies that are new, one a request.
func (a *archive) stow(what string, clients, n, size int) *measure {
	var list [][]byte
	return &measure{what: what, goal: 3, unit: "1/s", n: n, run: func(ctx context.Context, p *peer, _ int) (float64, error) {
		if p.name == "tenon" { // the peer stores the same files right after
			list = nil
			for range 3 {
				list = append(list, files(a.series(n/3, size))...)
			}
		}
		return rate(clients, len(list), func(i int) error { return p.stow(ctx, list[i]) })
	}}
}

// batch stores a new study in one request.
func (a *archive) batch(what string, n, size int) *measure {
	var list [][]byte
	return &measure{what: what, goal: 3, unit: "1/s", n: n, run: func(ctx context.Context, p *peer, _ int) (float64, error) {
		if p.name == "tenon" {
			list = files(a.series(n, size))
		}
		once, err := rate(1, 1, func(int) error { return p.stow(ctx, list...) })
		return once * float64(n), err
	}}
}

func get(what string, goal float64, n int, path, accept string) *measure {
	found := map[string]int{}
	return &measure{what: what, goal: goal, unit: "ms", n: n, found: found, run: func(ctx context.Context, p *peer, _ int) (float64, error) {
		if _, counted := found[p.name]; !counted { // once, and before the clock runs
			n, err := p.count(ctx, path, accept)
			if err != nil {
				return 0, err
			}
			found[p.name] = n
		}
		return median(n, func(int) error { _, err := p.get(ctx, path, accept); return err })
	}}
}

// each reads instances one after the other.
func (a *archive) each(what string, goal float64, n int, suffix, accept string) *measure {
	return &measure{what: what, goal: goal, unit: "ms", n: n, decrypted: true, run: func(ctx context.Context, p *peer, _ int) (float64, error) {
		path := a.paths(p, n, suffix)
		return median(n, func(i int) error { _, err := p.get(ctx, path[i], accept); return err })
	}}
}

// series8 reads instances from eight clients.
func (a *archive) series8(what string, goal float64, n int) *measure {
	return &measure{what: what, goal: goal, unit: "1/s", n: n, decrypted: true, run: func(ctx context.Context, p *peer, _ int) (float64, error) {
		path := a.paths(p, n, "")
		return rate(8, n, func(i int) error {
			_, err := p.get(ctx, path[i], `multipart/related; type="application/dicom"; transfer-syntax=*`)
			return err
		})
	}}
}

// rendered asks for pictures that nobody has asked for before.
func (a *archive) rendered(what string, goal float64, n int) *measure {
	return &measure{what: what, goal: goal, unit: "ms", n: n, run: func(ctx context.Context, p *peer, round int) (float64, error) {
		window := fmt.Sprintf("/rendered?window=%d,400,linear", 40+round)
		return median(n, func(i int) error { _, err := p.get(ctx, a.instance(i)+window, "image/jpeg"); return err })
	}}
}

// paths are what a peer is asked for in the place of the first n instances.
func (a *archive) paths(p *peer, n int, suffix string) []string {
	list := make([]string, n)
	for i := range list {
		if list[i] = a.instance(i) + suffix; p.name == bare {
			list[i] = a.barePath(i, suffix != "")
		}
	}
	return list
}

func (a *archive) instance(i int) string {
	return "/studies/" + a.large.StudyUID + "/series/" + a.large.SeriesUID + "/instances/" + a.large.InstanceUID(i%a.large.Len())
}

package store_test

import (
	"errors"
	"testing"
	"time"

	"tenon/dicomweb/index"
	"tenon/dicomweb/index/indextest"
	"tenon/server/record"
	"tenon/server/store"
	"tenon/server/store/storetest"
)

// images is the DICOM index as its suite drives it.
type images struct {
	store.Images
	s        *store.Store
	versions map[string]int64
}

func (i images) Commit(t *testing.T, resource string, rows ...any) error {
	t.Helper()
	n := i.versions[resource] + 1
	u := &record.Unit{At: time.Now(), Rows: rows, Versions: []record.Version{storetest.Make("ImagingStudy", resource, n)}}
	u.Reads.Versions = []record.VersionRead{{Type: "ImagingStudy", ID: resource, Version: n - 1}}
	for _, row := range rows {
		if x, ok := row.(*index.Instance); ok {
			u.Blobs = append(u.Blobs, record.BlobRow{Digest: x.Content.Digest, Size: x.Content.Size})
		}
	}
	err := i.s.Commit(t.Context(), u)
	if err == nil {
		i.versions[resource] = n
	}
	return err
}

func (images) Stale(err error) bool { return errors.Is(err, record.ErrStale) }

func TestImages(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			indextest.Run(t, func(t *testing.T) indextest.Harness {
				s := open(t)
				return images{s.Images(), s, map[string]int64{}}
			})
		})
	}
}

package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"tenon/server/record"
)

// Options of Open; the zero value works.
type Options struct {
	Tenant      string           // "": main
	Key         []byte           // 32 bytes from a key service; nil: the key file in the folder
	SegmentSize int64            // a segment that has grown to it is closed; 0: 256 MiB
	ReadOnly    bool             // never writes; for verification beside a running server
	Grace       time.Duration    // how long Sweep spares what was staged; 0: one hour
	FS          FS               // nil: the machine's
	Random      io.Reader        // nil: crypto/rand
	Clock       func() time.Time // nil: time.Now
}

// Store is the blobs of one tenant. It implements record.Blobs.
type Store struct {
	dir    string
	opt    Options
	crypt  *crypt
	plain  sync.Pool // *[]byte of a frame
	sealed sync.Pool // *[]byte of a header and a sealed frame

	mu       sync.Mutex
	index    map[[32]byte]place
	segments map[string]*segment
	touched  map[[32]byte]time.Time // staged or met again since Open
	number   uint64                 // of the newest segment
	created  bool                   // a name in dir is not durable yet
	failed   error                  // a write or fsync failed: nothing is taken any more
	next     *round                 // of Sync, gathering callers
	syncing  bool
	damage   []string

	heads   sync.Mutex   // who overwrites headers
	sealing sync.RWMutex // shared from the choice of the key to the header on disk
	ringing sync.Mutex   // guards what follows, and changes of the ring
	use     File         // says which key seals here
	useName string
}

// place is where an object is.
type place struct {
	segment *segment
	offset  int64
	size    int64
}

var _ record.Blobs = (*Store)(nil)

var tenantName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Open opens the tenant's folder inside dir, makes it when it is new, and cuts
// what a crash left unfinished.
func Open(dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	if !tenantName.MatchString(o.Tenant) {
		return nil, fmt.Errorf("blob: %q is not a name of a tenant", o.Tenant)
	}
	folder := filepath.Join(dir, o.Tenant)
	if err := prepare(o, dir, folder); err != nil {
		return nil, err
	}
	s := &Store{
		dir: folder, opt: o,
		index: map[[32]byte]place{}, segments: map[string]*segment{}, touched: map[[32]byte]time.Time{},
	}
	s.plain.New = func() any { b := make([]byte, Frame); return &b }
	s.sealed.New = func() any { b := make([]byte, 0, headerSize+Frame+tagSize); return &b }
	err := s.openRing()
	if err == nil {
		err = s.headers(context.Background(), s.load) // a step that was broken off is carried out before headers are judged
	}
	if err != nil {
		return nil, errors.Join(err, s.closeFiles(), s.silence(s.use, s.useName))
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Tenant == "" {
		o.Tenant = "main"
	}
	if o.SegmentSize <= 0 {
		o.SegmentSize = 256 << 20
	}
	if o.Grace <= 0 {
		o.Grace = time.Hour
	}
	if o.FS == nil {
		o.FS = OS{}
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

// prepare makes both folders durable names.
func prepare(o Options, dir, folder string) error {
	if o.ReadOnly {
		return nil
	}
	for _, d := range []string{dir, folder} {
		if err := o.FS.Mkdir(d); err != nil {
			return fmt.Errorf("blob: %w", err)
		}
		if err := o.FS.SyncDir(filepath.Dir(d)); err != nil {
			return fmt.Errorf("blob: %w", err)
		}
	}
	return nil
}

// Open implements record.Blobs.
func (s *Store) Open(_ context.Context, digest [32]byte) (record.BlobReader, error) {
	for try := range 2 {
		p, err := s.find(digest, try > 0)
		if err != nil {
			return nil, err
		}
		r, err := s.open(p, digest)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
	}
	return nil, record.ErrAbsent
}

// find looks again on disk when a digest is not known here, since another
// process may have stored it.
func (s *Store) find(digest [32]byte, again bool) (place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.index[digest]
	if !ok || again {
		if err := s.refresh(); err != nil {
			return p, err
		}
		p, ok = s.index[digest]
	}
	if !ok {
		return p, record.ErrAbsent
	}
	return p, nil
}

// Each visits every known object in no order; each must not call the store.
func (s *Store) Each(each func(record.BlobRow)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for digest, p := range s.index {
		each(record.BlobRow{Digest: digest, Size: p.size})
	}
}

// Damage lists what Open found changed on disk and kept: bytes between objects
// that no object explains, and objects that do not open.
func (s *Store) Damage() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.damage...)
}

// Close makes everything durable and lets the next Open start without a scan.
// Nothing may be staged any more.
func (s *Store) Close() error {
	if s.opt.ReadOnly {
		return nil
	}
	err := s.Sync(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		for _, g := range s.segments {
			if g.file != nil {
				err = errors.Join(err, s.writeIndex(g))
			}
		}
	}
	if s.failed == nil {
		s.failed = errors.New("blob: the store is closed")
	}
	s.ringing.Lock()
	defer s.ringing.Unlock()
	err = errors.Join(err, s.closeFiles(), s.silence(s.use, s.useName))
	s.use = nil
	return err
}

func (s *Store) closeFiles() error {
	var err error
	for _, g := range s.segments {
		if g.file != nil {
			err = errors.Join(err, g.file.Close())
			g.file = nil
		}
	}
	return err
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

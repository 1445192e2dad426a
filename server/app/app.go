package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tenon/adapters/mes/webhook"
	"tenon/dicomweb"
	"tenon/dicomweb/dimse"
	"tenon/dicomweb/geometry"
	"tenon/fhir/schema"
	"tenon/oauth"
	"tenon/profiles"
	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/dispatch"
	"tenon/server/dispatch/feed"
	"tenon/server/dispatch/socket"
	"tenon/server/inspect"
	"tenon/server/ledger"
	"tenon/server/record"
	"tenon/server/rest"
	"tenon/server/revision"
	"tenon/server/search"
	"tenon/server/store"
	"tenon/server/store/blob"
)

// App is an open server: its rooms, joined.
type App struct {
	Config   Config
	Recorder *record.Recorder
	Store    *store.Store
	Blobs    *blob.Store
	OAuth    *oauth.Provider

	guide      [][]byte // the embedded definitions
	apps       *oauth.Server
	model      *schema.Model
	keeper     *revision.Keeper
	consents   *consents
	grader     grader
	keys       *ledger.Keys
	sequencer  *ledger.Sequencer
	worker     *dispatch.Worker
	jobs       *jobs
	folder     *folder
	feed       *feed.Engine
	sockets    *socket.Door
	clock      func() time.Time
	time       *timekeeper
	outside    outsiders
	images     atomic.Pointer[dicomweb.Door]
	dimse      *dimse.Server // nil: off
	log        *slog.Logger
	background sync.WaitGroup
	stop       context.CancelFunc
	listening  atomic.Pointer[net.Listener] // of DIMSE
}

// Open opens database, files and keys, migrates, and loads the definitions. It
// starts nothing that runs by itself; Start and Serve do.
func Open(ctx context.Context, c Config) (*App, error) {
	return openGuide(ctx, c, profiles.Definitions())
}

// openGuide opens with definitions in the place of those of the binary.
func openGuide(ctx context.Context, c Config, guide [][]byte) (*App, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.BaseURL == "" {
		scheme := "http"
		if c.TLS.Cert != "" {
			scheme = "https"
		}
		c.BaseURL = scheme + "://" + c.Listen + "/fhir"
	}
	a := &App{Config: c, guide: guide, clock: time.Now, log: slog.New(slog.NewJSONHandler(os.Stderr, nil))}
	a.time = newTimekeeper(c.Clock)
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// OpenToVerify opens database and files for reading alone: nothing is migrated,
// loaded or written, so that what is judged is what was found.
func OpenToVerify(ctx context.Context, c Config) (*App, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	a := &App{Config: c, clock: time.Now, log: slog.New(slog.NewJSONHandler(os.Stderr, nil))}
	url, err := c.databaseURL()
	if err != nil {
		return nil, err
	}
	if a.Store, err = store.Open(ctx, store.Options{URL: url}); err == nil {
		if err = a.Store.Ready(ctx); err == nil {
			a.Blobs, err = blob.Open(filepath.Join(c.Data, "blobs"), blob.Options{ReadOnly: true})
		}
	}
	if folder := a.keysFolder(); err == nil && exists(folder) {
		a.keys, err = ledger.OpenKeys(folder)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// open joins the rooms from the bottom to the top.
func (a *App) open(ctx context.Context) error {
	go r4.Library() // both are read while the database is being opened
	go r4.Model()
	if err := os.MkdirAll(a.Config.Data, 0o700); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if err := syncDir(filepath.Dir(filepath.Clean(a.Config.Data))); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	for _, step := range []func(context.Context) error{a.openStore, a.openKeys, a.openRecord, a.openOAuth, a.openJobs, a.define, a.sample} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// openStore opens the database for a command that needs nothing else, and makes
// it ready (Ready or Migrate of the store).
func (c *Config) openStore(ctx context.Context, ready func(*store.Store, context.Context) error) (*store.Store, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	url, err := c.databaseURL()
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, store.Options{URL: url})
	if err != nil {
		return nil, err
	}
	if err := ready(s, ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (a *App) openStore(ctx context.Context) error {
	url, err := a.Config.databaseURL()
	if err != nil {
		return err
	}
	if a.grader, err = newGrader(r4.Model()); err != nil {
		return err
	}
	if a.Store, err = store.Open(ctx, store.Options{URL: url, SearchTime: a.Config.SearchTime, Reserve: filepath.Join(a.Config.Data, "audit.reserve"), Mask: a.grader.Mask}); err != nil {
		return err
	}
	if err := a.Store.Migrate(ctx); err != nil {
		return err
	}
	if a.folder, err = openFolder(a.Config.Data); err != nil {
		return err
	}
	a.Blobs, err = blob.Open(filepath.Join(a.Config.Data, "blobs"), blob.Options{Grace: stagedGrace})
	return err
}

func (a *App) openKeys(context.Context) (err error) {
	if a.keys, err = ledger.OpenKeys(a.keysFolder()); err != nil {
		return err
	}
	if a.outside, err = a.Config.Signing.open(); err != nil {
		return err
	}
	return syncDir(a.Config.Data) // the folders of database, files and keys
}

func (a *App) keysFolder() string { return filepath.Join(a.Config.Data, "keys") }

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func (a *App) openRecord(ctx context.Context) (err error) {
	a.model = r4.Model()
	cursors, err := a.secret("cursor.key")
	if err != nil {
		return err
	}
	registry, err := search.NewRegistry(a.model, search.WithBase(a.Config.BaseURL), search.WithCursorKey(cursors), search.WithSight(a.grader.Sight))
	if err != nil {
		return err
	}
	a.keeper, err = revision.New(ctx, revision.Options{Base: r4.Library(), Model: a.model, Search: registry, Store: a.Store, Log: a.log})
	if err != nil {
		return err
	}
	if a.consents, err = consentsOf(ctx, a.Store, a.clock); err != nil {
		return err
	}
	if err := a.openFeed(); err != nil {
		return err
	}
	a.Recorder, err = record.New(record.Options{
		Subscriptions: a.feed,
		Principals:    func(ctx context.Context, p string) (*access.Context, error) { return a.OAuth.Principal(ctx, p) }, Alarm: a.alarm, Unreviewed: a.unreviewed,
		Store: notifying{a.Store, a.wake, a.consents}, Blobs: a.Blobs, Model: a.model, Definitions: a.keeper,
		Validation: a.Config.Validation.asked(), Engine: casework.NewEngine(),
		Signers: signers{a.Store, a}, Time: a.time, Grader: a.grader, Dossiers: dossiers{a}, Certifier: a.keys,
		Jobs: inspect.Jobs, UpdateAsCreate: a.Config.UpdateAsCreate, DeleteSeveral: a.Config.DeleteSeveral, BaseURL: a.Config.BaseURL, Clock: a.clock,
		Exchange: a.Config.exchange(), Exports: a.Store, DeleteReferenced: a.Config.Keeping.policy(), RetentionYears: a.Config.Keeping.RetentionYears, EvaluationK: a.Config.Keeping.EvaluationK,
	})
	if err != nil {
		return err
	}
	a.feed.Use(a.Recorder)
	a.OAuth = oauth.New(a.Store, directory{a.Store}, "main", a.clock)
	a.OAuth.Consents = &a.consents.known
	a.sequencer = a.keys.Sequencer(a.Store, a.clock)
	a.sequencer.Failed = func(err error) { a.log.Error("the log is not extended", "error", err) }
	a.sequencer.Signed = func(ledger.Checkpoint) { a.feed.Wake() }
	a.worker = dispatch.New(dispatch.Options{Store: a.Store, Sinks: a.sinks(), Clock: a.clock, Log: a.log})
	return nil
}

// sinks are where the outbox goes.
func (a *App) sinks() []dispatch.Sink {
	all := []dispatch.Sink{&inspect.Meshes{Recorder: a.Recorder}, &inspect.Images{Recorder: a.Recorder, Headers: a.headers}, revival{a.feed}, record.Timers{Recorder: a.Recorder}, a.notices()}
	if m := a.Config.MES; m.URL != "" {
		all = append(all, confined{&webhook.Sink{URL: m.URL, Secret: m.Secret, Client: a.outbound(m.URL), Clock: a.clock}, a, m.Device})
	}
	return all
}

// notifying wakes the outbox worker when a commit has left something for it, and
// has the forms of consent heard of before its answer.
type notifying struct {
	*store.Store
	wake     func()
	consents *consents
}

func (n notifying) Commit(ctx context.Context, u *record.Unit) error {
	err := n.Store.Commit(ctx, u)
	if err != nil {
		return err
	}
	if len(u.Outbox) > 0 {
		n.wake()
	}
	if slices.ContainsFunc(u.Versions, func(v record.Version) bool { return v.Type == "Consent" }) {
		n.consents.settle(ctx)
	}
	return nil
}

func (a *App) wake() {
	if a.worker != nil {
		a.worker.Wake()
	}
}

// directory reads principals for oauth.
type directory struct{ store *store.Store }

// Resource implements oauth.Directory.
func (d directory) Resource(ctx context.Context, typ, id string) ([]byte, error) {
	v, err := d.store.Read(ctx, access.Everything{}, typ, id)
	if errors.Is(err, record.ErrAbsent) || err == nil && v.Deleted {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return v.Body, nil
}

// Start runs sequencer and outbox until Close.
func (a *App) Start(ctx context.Context) {
	ctx, a.stop = context.WithCancel(ctx)
	a.background.Go(func() { a.sequencer.Run(ctx) })
	if a.dimse != nil {
		a.background.Go(func() { a.serveDIMSE(ctx) })
	}
	a.background.Go(func() { a.worker.Run(ctx) })
	a.background.Go(func() {
		if err := a.Recorder.ScheduleEvaluations(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("the day's look at due evaluations is not scheduled; the next start tries again", "error", err)
		}
	})
	a.background.Go(func() { a.jobs.Run(ctx) })
	a.background.Go(func() { a.keeper.Run(ctx) })
	a.background.Go(func() { a.consents.run(ctx, a.log) })
	a.background.Go(func() { a.feed.Run(ctx) })
	a.background.Go(func() { a.keepSwept(ctx) })
	a.background.Go(func() { a.keepRewrapped(ctx) })
	a.background.Go(func() { a.buildImages(ctx) })
	a.background.Go(func() { a.keepAnchored(ctx) })
	a.background.Go(func() { a.keepSent(ctx) })
	a.background.Go(func() { a.Store.Restore(ctx, 2*time.Second) })
}

// Close stops what runs and closes what is open.
func (a *App) Close() error {
	if a.stop != nil {
		a.stop()
	}
	if a.sockets != nil {
		a.sockets.Close()
	}
	if door := a.images.Load(); door != nil {
		door.Close()
	}
	if l := a.listening.Load(); l != nil {
		_ = (*l).Close() // closed already where it was served
	}
	a.background.Wait()
	var errs []error
	if a.sequencer != nil { // what was written last gets its index: a server that stopped in order verifies
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		_, err := a.sequencer.Once(ctx)
		cancel()
		errs = append(errs, err)
	}
	if a.Store != nil {
		errs = append(errs, a.Store.Close())
	}
	errs = append(errs, a.jobs.close())
	if a.Blobs != nil {
		errs = append(errs, a.Blobs.Close())
	}
	errs = append(errs, a.folder.close())
	return errors.Join(errs...)
}

// root is the address of the server without the path of a door.
func (a *App) root() string { return strings.TrimSuffix(a.Config.BaseURL, "/fhir") }

// doors makes the FHIR and the DICOMweb door.
func (a *App) doors() (*rest.Door, *dicomweb.Door, error) {
	fhir, err := rest.New(rest.Options{
		Jobs: a.jobs.Jobs, JobFiles: a.jobs.files, Fetches: a.jobs.fetch != nil, Acting: a.acting,
		Subscriptions: a.feed, Index: a.keeper,
		Record: a.Recorder, Definitions: a.keeper.Current, Model: a.model, BaseURL: a.Config.BaseURL,
		UpdateAsCreate: a.Config.UpdateAsCreate, Origins: a.Config.Origins, Origin: a.apps.Origin, Security: a.security(), DeleteSeveral: a.Config.DeleteSeveral > 1, Software: "Tenon", Version: Version, Log: a.log,
	})
	if err != nil {
		return nil, nil, err
	}
	a.jobs.requests.Door = fhir
	extra, err := a.Config.Images.extra()
	if err != nil {
		return nil, nil, err
	}
	dicom := dicomweb.New(dicomweb.Options{
		Extra: extra, Builder: a.Store.Images(), Foreign: a.Config.Images.Foreign, Issuers: a.Config.Images.Issuers, Quarantine: a.Store.Images(), Delete: a.Config.Images.Delete, Feed: a.Store.Images(), Workitems: a.Store.Images(), Send: a.sendImages, Pull: puller{a}, Awaiting: a.Store.Images(), Stations: a.stations, Sight: &sight{a: a},
		Stream: func(w http.ResponseWriter, r *http.Request) (dicomweb.Stream, error) {
			return socket.OpenStream(w, r, a.origins())
		},
		Records: a.Recorder, Index: a.Store.Images(), Blobs: a.Blobs, Auditor: a.Store, Caller: a.caller,
		Base: a.root() + "/dicomweb", Mount: "/dicomweb", Clock: a.clock,
		Log: func(_ context.Context, what string, err error) { a.log.Error("dicomweb", "what", what, "error", err) },
	})
	a.images.Store(dicom)
	return fhir, dicom, a.openDIMSE(dicom)
}

// headers are those of the images that the DICOMweb door keeps; the worker may
// run before the door is open.
func (a *App) headers(ctx context.Context, who *access.Context, study string, do func(*geometry.Header) error) error {
	door := a.images.Load()
	if door == nil {
		return errors.New("app: the DICOMweb door is not open yet")
	}
	return door.EachHeader(ctx, who, study, do)
}

// mes is the door for news of the MES, nil when none is configured.
func (a *App) mes() http.Handler {
	if a.Config.MES.Secret == "" {
		return nil
	}
	return &webhook.Door{Secret: a.Config.MES.Secret, Recorder: a.Recorder, Clock: a.clock, Log: a.log,
		Who: func(ctx context.Context) (*access.Context, error) {
			return a.OAuth.Principal(ctx, "Device/"+a.Config.MES.Device)
		}}
}

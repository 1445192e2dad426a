package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"tenon/profiles/r4"
	"tenon/server/record"
)

// Config is the whole configuration. Every field has a flag, an environment
// variable TENON_… and a key in the configuration file; the zero value of each
// but Listen, Data and Database works.
type Config struct {
	Listen   string `help:"Address to listen on." default:"127.0.0.1:8080" env:"TENON_LISTEN"`
	Data     string `help:"Folder for the embedded database, files and keys." default:"./data" env:"TENON_DATA" type:"path"`
	Database string `help:"sqlite (embedded, in the data folder) or postgres://user:secret@host/name." default:"sqlite" env:"TENON_DATABASE"`
	BaseURL  string `help:"Public URL of the FHIR door; http://<listen>/fhir by default." env:"TENON_BASE_URL"`
	Dev      bool   `help:"Sample data, and requests without a token act as an operator who can never sign. Loopback only." env:"TENON_DEV"`
	Sample   bool   `help:"Load the sample organisations and people." env:"TENON_SAMPLE"`

	UpdateAsCreate bool `help:"Let clients choose the id of a new resource by PUT." env:"TENON_UPDATE_AS_CREATE"`

	DeleteSeveral int           `help:"How many resources one conditional delete may take, up to 1000; below 2 a single match." default:"1" env:"TENON_DELETE_SEVERAL"`
	SearchTime    time.Duration `help:"How long one search may run in the database before it is ended and refused." default:"30s" env:"TENON_SEARCH_TIME"`

	Origins []string `help:"Origins whose pages may use the FHIR door from a browser (CORS); none by default." env:"TENON_ORIGINS"`

	TrustedProxies Proxies `help:"Addresses or networks of proxies in front of the server whose X-Forwarded-For is believed; none by default." env:"TENON_TRUSTED_PROXIES"`

	Validation Validation `embed:"" prefix:"validate-"`
	Jobs       Jobs       `embed:"" prefix:"jobs-"`
	MES        MES        `embed:"" prefix:"mes-"`
	Notices    Notices    `embed:"" prefix:"notice-"`
	Keeping    Keeping    `embed:""`
	Images     Images     `embed:"" prefix:"dicom-"`
	Sweeping   Sweeping   `embed:"" prefix:"sweep-"`
	Signing    Signing    `embed:"" prefix:"sign-"`
	Clock      Clock      `embed:"" prefix:"clock-"`
	Anchoring  Anchoring  `embed:"" prefix:"anchor-"`
	Trail      Trail      `embed:"" prefix:"audit-"`
	TLS        TLS        `embed:"" prefix:"tls-"`

	SignIn   SignIn   `embed:"" prefix:"sign-in-"`
	Outbound Outbound `embed:"" prefix:"outbound-"`
	Exchange Exchange `embed:"" prefix:"exchange-"`
	Feeds    Feeds    `embed:"" prefix:"subscriptions-"`
	DIMSE    DIMSE    `embed:"" prefix:"dimse-"`
}

// Validation says what resources are judged by when they are written, and what
// becomes of those with errors. What is no sound resource of its type is always
// refused.
type Validation struct {
	Policy   string              `help:"What becomes of a resource with errors: refuse or warn." default:"refuse" enum:"refuse,warn" env:"TENON_VALIDATE_POLICY"`
	Types    map[string]string   `help:"The policy of single types: Type=warn;Type=refuse." env:"TENON_VALIDATE_TYPES"`
	Profiles map[string][]string `help:"Profiles that all resources of a type must follow: Type=url,url;Type=url." env:"TENON_VALIDATE_PROFILES"`
}

// MES is the webhook to the manufacturer's execution system.
type MES struct {
	URL    string `help:"Where job orders are posted." env:"TENON_MES_URL"`
	Secret string `help:"Shared secret of the signatures, both ways; at least 32 characters." env:"TENON_MES_SECRET"`
	Device string `help:"Principal of the MES: the Device that its news are written as." default:"mes" env:"TENON_MES_DEVICE"`
}

// Validate refuses a bad value by its name, before anything is opened.
func (c *Config) Validate() error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port == "" {
		return fmt.Errorf("listen: %q is not host:port", c.Listen)
	}
	if c.Dev && !loopback(host) {
		return fmt.Errorf("dev: it lets requests in without a token, so listen must be a loopback address, not %q", c.Listen)
	}
	if c.Data == "" {
		return errors.New("data: a folder is needed")
	}
	if c.Database != "sqlite" && !strings.HasPrefix(c.Database, "sqlite://") &&
		!strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		return fmt.Errorf("database: %q is neither sqlite nor a postgres:// URL", redact(c.Database))
	}
	if c.BaseURL != "" {
		if u, err := url.Parse(c.BaseURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("base-url: %q is not an http(s) URL", c.BaseURL)
		}
	}
	if _, err := c.TrustedProxies.networks(); err != nil {
		return err
	}
	if err := c.Validation.check(); err != nil {
		return err
	}
	if err := c.Keeping.check(); err != nil {
		return err
	}
	if err := c.Outbound.validate(); err != nil {
		return err
	}
	if err := c.Exchange.validate(); err != nil {
		return err
	}
	if err := c.Jobs.validate(); err != nil {
		return err
	}
	if err := c.Images.validate(); err != nil {
		return err
	}
	if err := c.Sweeping.validate(); err != nil {
		return err
	}
	if err := c.Clock.validate(); err != nil {
		return err
	}
	if err := c.Anchoring.validate(); err != nil {
		return err
	}
	if err := c.TLS.validate(); err != nil {
		return err
	}
	if err := c.Trail.validate(); err != nil {
		return err
	}
	if err := c.DIMSE.validate(); err != nil {
		return err
	}
	if err := c.Notices.validate(); err != nil {
		return err
	}
	if err := c.SignIn.validate(); err != nil {
		return err
	}
	return c.MES.validate()
}

func (v *Validation) check() error {
	if !policies[v.Policy] {
		return fmt.Errorf("validate-policy: %q is neither refuse nor warn", v.Policy)
	}
	for typ, policy := range v.Types {
		if !r4.Model().IsResource(typ) {
			return fmt.Errorf("validate-types: %q is not a resource type", typ)
		}
		if policy == "" || !policies[policy] {
			return fmt.Errorf("validate-types: %s: %q is neither refuse nor warn", typ, policy)
		}
	}
	for typ, profiles := range v.Profiles {
		if !r4.Model().IsResource(typ) {
			return fmt.Errorf("validate-profiles: %q is not a resource type", typ)
		}
		for _, p := range profiles {
			if u, err := url.Parse(p); err != nil || !u.IsAbs() {
				return fmt.Errorf("validate-profiles: %s: %q is not the canonical URL of a profile", typ, p)
			}
		}
	}
	return nil
}

var policies = map[string]bool{"": true, "refuse": true, "warn": true}

// asked is the same as record wants it.
func (v *Validation) asked() record.Validation {
	out := record.Validation{Profiles: v.Profiles, Policy: record.Policy(v.Policy), ByType: map[string]record.Policy{}}
	for typ, policy := range v.Types {
		out.ByType[typ] = record.Policy(policy)
	}
	return out
}

func (m *MES) validate() error {
	if m.URL == "" && m.Secret == "" {
		return nil
	}
	if u, err := url.Parse(m.URL); m.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("mes-url: %q is not an http(s) URL", m.URL)
	}
	if len(m.Secret) < 32 {
		return errors.New("mes-secret: it must have at least 32 characters")
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// redact hides the password of a database URL.
func redact(s string) string {
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		return u.Redacted()
	}
	return "(unreadable)"
}

// databaseURL is the URL that the store understands.
func (c *Config) databaseURL() (string, error) {
	if c.Database != "sqlite" {
		return c.Database, nil
	}
	dir, err := filepath.Abs(c.Data)
	if err != nil {
		return "", err
	}
	return "sqlite://" + filepath.ToSlash(filepath.Join(dir, "db")), nil
}

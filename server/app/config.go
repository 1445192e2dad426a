package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
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

	MES MES `embed:"" prefix:"mes-"`
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
	return c.MES.validate()
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

package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// member is a file of an archive.
type member struct {
	path string // where it is
	name string // in the archive, with slashes
	perm fs.FileMode
}

// paperNames are what goes with the program: files, and folders with all that is in them. Those that are not there are left
// out, so that a platform's extras need no list of their own.
var paperNames = []string{"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "config.example.yaml", "man", "completions"}

// papers lists them in a fixed order.
func papers(source string) (files []member, err error) {
	for _, paper := range paperNames {
		err := filepath.WalkDir(filepath.Join(source, paper), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			relative, err := filepath.Rel(source, path)
			files = append(files, member{path: path, name: filepath.ToSlash(relative), perm: 0o644})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func writeTarGz(path string, files []member, when time.Time) error {
	return create(path, func(w io.Writer) error {
		zipped := gzip.NewWriter(w) // its header has neither a time nor a name unless it is given them
		archive := tar.NewWriter(zipped)
		for _, m := range files {
			text, err := os.ReadFile(m.path)
			if err != nil {
				return err
			}
			header := &tar.Header{Name: m.name, Mode: int64(m.perm), Size: int64(len(text)), ModTime: when,
				Format: tar.FormatUSTAR}
			if err := archive.WriteHeader(header); err != nil {
				return err
			}
			if _, err := archive.Write(text); err != nil {
				return err
			}
		}
		return errors.Join(archive.Close(), zipped.Close())
	})
}

func writeZip(path string, files []member, when time.Time) error {
	return create(path, func(w io.Writer) error {
		archive := zip.NewWriter(w)
		for _, m := range files {
			text, err := os.ReadFile(m.path)
			if err != nil {
				return err
			}
			header := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: when.UTC()}
			header.SetMode(m.perm)
			into, err := archive.CreateHeader(header)
			if err != nil {
				return err
			}
			if _, err := into.Write(text); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

func create(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

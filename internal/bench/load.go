package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	connections = 8
	warmUp      = 2 * time.Second
	roundTime   = 4 * time.Second
	rounds      = 5
)

// target is one server and the request that it is measured with.
type target struct {
	name   string
	server *process
	path   string
	body   []byte
	header http.Header
}

// cost is what one request took.
type cost struct{ server, database, latency time.Duration }

func (c cost) total() time.Duration { return c.server + c.database }

// once sends the target's request and returns the answer, which must be a success.
func (t target) once(ctx context.Context, client *http.Client) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.server.URL+t.path, bytes.NewReader(t.body))
	if err != nil {
		return nil, err
	}
	req.Header = t.header.Clone()
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || bytes.Contains(text[:min(len(text), 200)], []byte(`"errors"`))) {
		err = fmt.Errorf("%s answered %d: %.300s", t.name, resp.StatusCode, text)
	}
	return text, err
}

// load sends the request over and over for a while and returns how many were answered and their mean latency.
func (t target) load(ctx context.Context, client *http.Client, d time.Duration) (int64, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var n, waited atomic.Int64
	errs := make([]error, connections)
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			for ctx.Err() == nil {
				begin := time.Now()
				if _, err := t.once(context.WithoutCancel(ctx), client); err != nil {
					errs[i] = err
					return
				}
				waited.Add(int64(time.Since(begin)))
				n.Add(1)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil || n.Load() == 0 {
		return 0, 0, errors.Join(err, errors.New("no request was answered"))
	}
	return n.Load(), time.Duration(waited.Load() / n.Load()), nil
}

// compare measures targets in turn and returns the median cost of each.
func compare(ctx context.Context, database int, targets ...target) ([]cost, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	all := make([][]cost, len(targets))
	for round := range rounds + 1 {
		for i, t := range targets {
			d := roundTime
			if round == 0 {
				d = warmUp
			}
			c, err := measure(ctx, client, database, t, d)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				all[i] = append(all[i], c)
			}
		}
	}
	out := make([]cost, len(targets))
	for i := range targets {
		slices.SortFunc(all[i], func(a, b cost) int { return int(a.total() - b.total()) })
		out[i] = all[i][len(all[i])/2]
	}
	return out, nil
}

func measure(ctx context.Context, client *http.Client, database int, t target, d time.Duration) (cost, error) {
	before, err := used(t.server.cmd.Process.Pid, database)
	if err != nil {
		return cost{}, err
	}
	n, latency, err := t.load(ctx, client, d)
	if err != nil {
		return cost{}, err
	}
	after, err := used(t.server.cmd.Process.Pid, database)
	if err != nil {
		return cost{}, err
	}
	return cost{
		server:   (after.server - before.server) / time.Duration(n),
		database: (after.database - before.database) / time.Duration(n),
		latency:  latency,
	}, nil
}

func used(server, database int) (cost, error) {
	s, err := cpu(server, false)
	if err != nil {
		return cost{}, err
	}
	d, err := cpu(database, true)
	return cost{server: s, database: d}, err
}

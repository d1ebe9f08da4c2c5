package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"gitonly.dev/gitonly/e2e/bench/workload"
)

const clients = 8

// measureHTTP sends reviews to gitonly's handler and to one that allows all, by
// turns, each in a process of its own.
func measureHTTP(ctx context.Context, s settings, results *table) error {
	ours, err := start(ctx, "gitonly")
	if err != nil {
		return err
	}
	defer ours.stop()
	theirs, err := start(ctx, "always-allow")
	if err != nil {
		return err
	}
	defer theirs.stop()
	twin, err := start(ctx, "always-allow")
	if err != nil {
		return err
	}
	defer twin.stop()
	noise := load{path: "/enforce", body: workload.Review(workload.Agent, "small", workload.Small)}
	if err := compare(s, results, "HTTP 4 KB, always-allow itself (noise)", twin, theirs, noise, nil); err != nil {
		return err
	}
	for _, size := range []struct {
		name, object string
		least        map[workload.Case]float64
	}{
		{"4 KB", "small", map[workload.Case]float64{workload.Agent: .95, workload.Converging: .85, workload.Refused: .75}},
		{"40 KB", "large", map[workload.Case]float64{workload.Agent: .95, workload.Converging: .75, workload.Refused: .65}},
	} {
		for _, c := range workload.Cases {
			var wanted *target
			if limit := size.least[c]; limit > 0 {
				wanted = atLeast(limit)
			}
			l := load{path: "/enforce", body: workload.Review(c, size.object, deployments[size.object]), refused: c == workload.Refused}
			if err := compare(s, results, "HTTP "+size.name+", "+string(c), ours, theirs, l, wanted); err != nil {
				return err
			}
			if l.refused {
				l.path, l.refused = "/audit", false
				if err := compare(s, results, "HTTP "+size.name+", audited", ours, theirs, l, nil); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// compare sends the same load to both by turns.
func compare(s settings, results *table, name string, ours, theirs *server, l load, wanted *target) error {
	var throughput, p50, p99, cpu, rate samples
	for i := range s.rounds + 1 {
		pair := []*server{ours, theirs}
		if i%2 == 1 {
			slices.Reverse(pair)
		}
		took := map[*server]round{}
		for _, side := range pair {
			one := l
			one.refused = l.refused && side == ours
			r, err := side.send(one, s.span)
			if err != nil {
				return err
			}
			took[side] = r
		}
		if i == 0 {
			continue // to get warm
		}
		a, b := took[ours], took[theirs]
		rate = append(rate, a.throughput)
		throughput = append(throughput, a.throughput/b.throughput)
		p50 = append(p50, a.p50/b.p50)
		p99 = append(p99, a.p99/b.p99)
		cpu = append(cpu, (a.cpu-b.cpu)*1e6)
	}
	results.add(name+": throughput / always-allow", "ratio", throughput, wanted)
	results.add(name+": throughput", "1/s", rate, nil)
	results.add(name+": p50 / always-allow", "ratio", p50, nil)
	results.add(name+": p99 / always-allow", "ratio", p99, nil)
	results.add(name+": CPU a request - always-allow", "µs", cpu, nil)
	return nil
}

// server is a part in a process of its own.
type server struct {
	command *exec.Cmd
	stdin   io.Closer
	address string
	client  *http.Client
}

func start(ctx context.Context, name string, args ...string) (*server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{command: exec.CommandContext(ctx, program, append([]string{"part", name}, args...)...)}
	if s.stdin, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	s.address = strings.TrimSpace(line)
	// As the API server's client of webhooks: no HTTP/2, and connections are kept.
	s.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}, // its certificate is made up
		MaxIdleConnsPerHost: clients,
	}}
	return s, nil
}

func (s *server) stop() {
	s.stdin.Close()
	_ = s.command.Wait() // it has nothing to say
}

func (s *server) usage() (u usage, err error) {
	response, err := s.client.Get("https://" + s.address + "/usage")
	if err != nil {
		return u, err
	}
	defer response.Body.Close()
	return u, json.NewDecoder(response.Body).Decode(&u)
}

// load is what clients send.
type load struct {
	path    string
	body    []byte
	refused bool // what they should hear
}

// round is what one server made of a load. Times are in seconds.
type round struct{ throughput, p50, p99, cpu float64 }

func (s *server) send(l load, span time.Duration) (round, error) {
	before, err := s.usage()
	if err != nil {
		return round{}, err
	}
	var mu sync.Mutex
	var all []time.Duration
	var wrong error
	var wg sync.WaitGroup
	began := time.Now()
	for range clients {
		wg.Go(func() {
			var took []time.Duration
			var err error
			for err == nil && time.Since(began) < span {
				at := time.Now()
				err = s.ask(l)
				took = append(took, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			all, wrong = append(all, took...), errors.Join(wrong, err)
		})
	}
	wg.Wait()
	lasted := time.Since(began).Seconds()
	if wrong != nil {
		return round{}, wrong
	}
	after, err := s.usage()
	slices.Sort(all)
	count := float64(len(all))
	return round{
		throughput: count / lasted, p50: all[len(all)/2].Seconds(), p99: all[len(all)*99/100].Seconds(),
		cpu: (after.CPU - before.CPU) / count,
	}, err
}

// ask sends one review, and checks the answer.
func (s *server) ask(l load) error {
	response, err := s.client.Post("https://"+s.address+l.path, "application/json", bytes.NewReader(l.body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if bytes.Contains(answer, []byte(`"allowed":true`)) == l.refused {
		return fmt.Errorf("the answer to a review is not what it should be: %s", answer)
	}
	return nil
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// process is a server of this binary in a process of its own.
type process struct {
	cmd *exec.Cmd
	URL string
}

var listening = regexp.MustCompile(`on (127\.0\.0\.1:\d+)`)

// launch starts this binary with other arguments and waits until it says where it listens.
func launch(ctx context.Context, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	p := &process{cmd: exec.CommandContext(ctx, self, args...)}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = 10 * time.Second
	said, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			p.URL = "http://" + m[1]
			go io.Copy(io.Discard, said) //nolint:errcheck // ends with the process
			return p, nil
		}
		fmt.Fprintln(os.Stderr, lines.Text())
	}
	return nil, errors.Join(fmt.Errorf("%s ended before it listened", args[0]), p.cmd.Wait())
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait()
}

// ticks is the kernel's unit of processor time (USER_HZ, 100 on Linux).
const ticks = 100

// cpu returns the processor time that a process has used, and with children also that of all its children, ended ones
// included.
func cpu(pid int, children bool) (time.Duration, error) {
	f, err := stat(pid)
	if err != nil {
		return 0, err
	}
	sum := f.own
	if !children {
		return sum, nil
	}
	sum += f.ended
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, dir := range all {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if f, err := stat(child); err == nil && f.parent == pid {
			sum += f.own
		}
	}
	return sum, nil
}

type usage struct {
	parent     int
	own, ended time.Duration
}

// stat reads /proc/PID/stat (proc(5)); the fields are counted behind the command's name, which may hold blanks.
func stat(pid int) (usage, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("read the processor time of %d: %w", pid, err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return usage{}, errors.New("this system does not tell a process's processor time in /proc")
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n }
	spent := func(user, system int) time.Duration {
		return time.Duration(number(user)+number(system)) * time.Second / ticks
	}
	return usage{parent: int(number(1)), own: spent(11, 12), ended: spent(13, 14)}, nil
}

// parentOf returns the process that started another.
func parentOf(pid int) (int, error) {
	f, err := stat(pid)
	return f.parent, err
}

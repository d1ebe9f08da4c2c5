package node

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mount brings what a Pod mounts up to date; false if something isn't there yet.
func (n *Node) mount(ctx context.Context, p *pod) (bool, error) {
	volumes := map[string]corev1.Volume{}
	for _, volume := range p.spec.Spec.Volumes {
		volumes[volume.Name] = volume
	}
	for _, mount := range p.container().VolumeMounts {
		dir, volume := filepath.Join(p.root, filepath.FromSlash(mount.MountPath)), volumes[mount.Name]
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return false, err
		}
		switch {
		case volume.EmptyDir != nil:
		case volume.Projected != nil: // the service account's, which comes by a kubeconfig
		case volume.Secret != nil:
			secret, err := n.client.CoreV1().Secrets(p.spec.Namespace).Get(ctx, volume.Secret.SecretName, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return p.cmd != nil, nil // one that is removed leaves the files
			}
			if err != nil {
				return false, err
			}
			if err := p.project(dir, secret.Data); err != nil {
				return false, fmt.Errorf("mounting Secret %s: %w", volume.Secret.SecretName, err)
			}
		default:
			return false, fmt.Errorf("volume %s is of a kind that isn't known here", mount.Name)
		}
	}
	return true, nil
}

// project makes files of data, all at once, as a kubelet does: they are links into
// ..data, which is a link to a folder with a name of its own.
func (p *pod) project(dir string, data map[string][]byte) error {
	if reflect.DeepEqual(p.projected[dir], data) {
		return nil
	}
	p.projections++
	version := "..version-" + strconv.Itoa(p.projections)
	if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
		return err
	}
	for name, content := range data {
		if err := os.WriteFile(filepath.Join(dir, version, name), content, 0o600); err != nil {
			return err
		}
	}
	current, next := filepath.Join(dir, "..data"), filepath.Join(dir, "..data_tmp")
	before, err := os.Readlink(current)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Symlink(version, next); err != nil {
		return err
	}
	if err := os.Rename(next, current); err != nil {
		return err
	}
	for name := range data {
		if _, had := p.projected[dir][name]; had {
			continue
		}
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for name := range p.projected[dir] {
		if _, has := data[name]; !has {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	if p.projected == nil {
		p.projected = map[string]map[string][]byte{}
	}
	p.projected[dir] = maps.Clone(data)
	if before == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, before))
}

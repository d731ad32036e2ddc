#!/bin/bash
# run.sh - containers of real runtimes, from Debian's packages, under the sensor: podman; Docker; containerd, asked over
# the Kubernetes CRI, then by the bundles that it leaves.  Of each the id, name, image, runtime and pod, names of users
# out of the container's own passwd, begin and end.  In a mount namespace with a /run of its own, so that it neither
# sees nor disturbs runtimes of this machine; nothing is downloaded, the image is Debian's static busybox.
# shellcheck disable=SC2317 # functions called by the name of their runtime
if [ -z "${IN_NAMESPACE:-}" ]; then
	IN_NAMESPACE=1 exec unshare --mount --propagation private bash "$0" "$@"
fi
mount -t tmpfs run /run || exit
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

IMAGE=localhost/rtsec/test:1
UID_IN=1234 # of which this machine has no user, the image has "walter"
POD_UID=12345678-1234-1234-1234-123456789012
declare -A pid=()

need_programs() {
	local program

	for program in podman runc dockerd docker containerd ctr busybox protoc curl; do
		command -v "$program" >/dev/null || fail "$program is here" "it is not: ./dev deps --vm"
	done
	[ "$n_failed" = 0 ] || finish
	expect "this machine has no user $UID_IN" "$(getent passwd "$UID_IN")" ""
}

# What an image of one static program and two users has in it, as a tar.
image() {
	local root=$T/image name

	mkdir -p "$root/bin" "$root/etc"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for name in sh sleep id; do ln -sf busybox "$root/bin/$name"; done
	printf 'root:x:0:0::/:/bin/sh\nwalter:x:%d:%d::/:/bin/sh\n' "$UID_IN" "$UID_IN" >"$root/etc/passwd"
	printf 'root:x:0:\nwhites:x:%d:\n' "$UID_IN" >"$root/etc/group"
	tar -C "$root" -c .
}

# Runs /bin/id now and then, for names come a moment after the container.
BUSY=(/bin/sh -c 'while /bin/id >/dev/null && sleep 0.2; do :; done')
CMD='["/bin/sh","-c","while /bin/id >/dev/null && sleep 0.2; do :; done"]'

# ---- each runtime: up, start a container, end it ----

LIMITS=(--ulimit nofile=1024:1024 --ulimit nproc=4096:4096) # no more than a machine of CI may set
PODMAN=(podman --root "$T/podman" --runroot "$T/podman-run" --tmpdir "$T/podman-tmp" --runtime runc
	--storage-driver vfs --cgroup-manager cgroupfs --events-backend file)
pod_man() { "${PODMAN[@]}" "$@"; }
podman_up() {
	image | pod_man import --change "CMD $CMD" - "$IMAGE" && mkdir -p /run/podman || return
	"${PODMAN[@]}" system service --time 0 unix:///run/podman/podman.sock & # not by the function: its pid
	pid[podman]=$!
	until_true 60 test -S /run/podman/podman.sock
}
podman_start() { # NAME; prints the id
	pod_man run --detach --network none --name "$1" --user "$UID_IN" "${LIMITS[@]}" "$IMAGE" "${BUSY[@]}"
}
podman_end() { pod_man rm --force --time 0 "$1"; }

dock() { docker --host unix:///run/docker.sock "$@"; }
docker_up() {
	mkdir -p "$T/docker"
	echo '{}' >"$T/docker/daemon.json"
	dockerd --config-file "$T/docker/daemon.json" --data-root "$T/docker/data" --exec-root "$T/docker/exec" \
		--pidfile "$T/docker/pid" --host unix:///run/docker.sock --iptables=false --ip6tables=false \
		--bridge none --storage-driver vfs &
	pid[docker]=$!
	until_true 60 dock version && image | dock import - "$IMAGE"
}
docker_start() { dock run --detach --network none --name "$1" --user "$UID_IN" "$IMAGE" "${BUSY[@]}"; }
docker_end() { dock rm --force "$1"; }

containerd_up() {
	mkdir -p "$T/containerd" /run/containerd && ln -s "$T/containerd/sock" /run/containerd/containerd.sock || return
	cat >"$T/containerd/config.toml" <<-END
		version = 2
		root = "$T/containerd/root"
		state = "$T/containerd/state"
		[grpc]
		address = "$T/containerd/sock"
		[plugins."io.containerd.grpc.v1.cri"]
		sandbox_image = "$IMAGE"
		restrict_oom_score_adj = true
		[plugins."io.containerd.grpc.v1.cri".containerd]
		snapshotter = "native"
	END
	containerd --config "$T/containerd/config.toml" &
	pid[containerd]=$!
	until_true 60 ctr --address "$T/containerd/sock" version && pod_man save --format docker-archive --output "$T/image.tar" "$IMAGE" &&
		ctr --address "$T/containerd/sock" --namespace k8s.io images import --snapshotter native "$T/image.tar" || return
	SANDBOX=$(cri RunPodSandbox RunPodSandboxRequest RunPodSandboxResponse "config {$POD}")
}

# A call of the CRI, its request as text; prints the one string of the answer.
cri() { # METHOD REQUEST RESPONSE TEXT
	local message=$T/cri n

	protoc -I tests/containers --encode="runtime.v1.$2" cri.proto <<<"$4" >"$message" || return
	n=$(stat -c %s "$message")
	# a message of gRPC: not compressed, its length in four bytes
	{ printf '\0\0\0' && printf '%b' "$(printf '\\x%02x\\x%02x' $((n / 256)) $((n % 256)))" &&
		cat "$message"; } >"$message.framed"
	curl -sS --max-time 60 --http2-prior-knowledge --unix-socket "$T/containerd/sock" \
		-H 'content-type: application/grpc' -H 'te: trailers' --data-binary "@$message.framed" \
		-D "$message.head" -o "$message.answer" "http://localhost/runtime.v1.RuntimeService/$1" || return
	if ! grep -qi '^grpc-status: 0' "$message.head"; then
		cat "$message.head" >&2
		return 1
	fi
	tail -c +6 "$message.answer" | protoc -I tests/containers --decode="runtime.v1.$3" cri.proto |
		sed -n 's/.*: "\(.*\)"/\1/p'
}
POD="metadata {name: 'shop-1' uid: '$POD_UID' namespace: 'prod'}
labels {key: 'io.kubernetes.pod.name' value: 'shop-1'}
labels {key: 'io.kubernetes.pod.namespace' value: 'prod'}
labels {key: 'io.kubernetes.pod.uid' value: '$POD_UID'}
linux {cgroup_parent: '/kubepods/burstable/pod$POD_UID' security_context {namespace_options {network: 2}}}"
containerd_start() {
	local id

	id=$(cri CreateContainer CreateContainerRequest CreateContainerResponse "pod_sandbox_id: '$SANDBOX'
sandbox_config {$POD} config {metadata {name: '$1'} image {image: '$IMAGE'} command: $CMD
labels {key: 'io.kubernetes.pod.name' value: 'shop-1'} labels {key: 'io.kubernetes.pod.namespace' value: 'prod'}
labels {key: 'io.kubernetes.pod.uid' value: '$POD_UID'}
linux {security_context {namespace_options {network: 2} run_as_user {value: $UID_IN}}}}") &&
		cri StartContainer StartContainerRequest Empty "container_id: '$id'" && echo "$id"
}
containerd_end() { cri StopContainer StopContainerRequest Empty "container_id: '$2'"; }

# ---- what must be true of any ----

# One container of RUNTIME called NAME: while it runs its own words are found, and it begins and ends once.
follow() { # RUNTIME NAME IMAGE FILTER, that holds for an exec in it
	local runtime=$1 name=$2 image=$3 filter=$4 id execs news

	id=$("${runtime}_start" "$name" 2>>"$T/$runtime.log" | tail -n 1)
	if ! [[ $id =~ ^[0-9a-f]{64}$ ]]; then
		fail "$runtime starts $name" "it says '$id': $(tail -n 5 "$T/$runtime.log")"
		return
	fi
	execs=$(query_until 1 "process where event.action == \"exec\" and container.id == \"$id\" and
		container.name == \"$name\" and process.user.name == \"walter\"" | head -n 1)
	expect_json "$runtime: an exec in $name has its id, name, image and runtime" "$execs" \
		'.container | .id == $id and .name == $name and .image.name == $image and .runtime == $runtime' \
		--arg id "$id" --arg name "$name" --arg image "$image" --arg runtime "$runtime"
	expect_json "$runtime: its user and group are those of the container's passwd and group" "$execs" \
		'.process.user.name == "walter" and .process.group.name == "whites" and .process.user.id == '"$UID_IN"
	expect_json "$runtime: $name is in the pod that it is in" "$execs" "$filter"
	"${runtime}_end" "$name" "$id" >>"$T/$runtime.log" 2>&1
	query_until 1 "container where event.action == \"container_stopped\" and container.id == \"$id\"" >/dev/null
	news=$(query "container where container.id == \"$id\"" | jq -s -c 'map([.event.action, .container.name]) | sort')
	expect "$runtime: $name began once and ended once" "$news" \
		"[[\"container_started\",\"$name\"],[\"container_stopped\",\"$name\"]]"
	expect "$runtime: no process of $name has a name of this machine" \
		"$(count "any where container.id == \"$id\" and process.user.name != null and
			not process.user.name in (\"walter\", \"root\")")" 0
}

no_pod='has("orchestrator") | not'
in_pod='.orchestrator | .type == "kubernetes" and .namespace == "prod" and
	.resource == {"type": "pod", "name": "shop-1", "id": "'$POD_UID'"}'

given_podman() {
	podman_up >>"$T/podman.log" 2>&1 || fail "podman starts" "$(tail -n 5 "$T/podman.log")"
	follow podman first "$IMAGE" "$no_pod"
}

given_docker() {
	docker_up >>"$T/docker.log" 2>&1 || fail "Docker starts" "$(tail -n 5 "$T/docker.log")"
	follow docker second "$IMAGE" "$no_pod"
}

# Its state is in no usual place, so its bundles are not found: names can only come over the CRI.
given_containerd_by_cri() {
	containerd_up >>"$T/containerd.log" 2>&1 || fail "containerd starts" "$(tail -n 5 "$T/containerd.log")"
	follow containerd third "$IMAGE" "$in_pod"
}

# Its socket is in no usual place now, so names can only come from the bundle.
given_containerd_by_its_bundle() {
	local place=/run/containerd/io.containerd.runtime.v2.task

	rm /run/containerd/containerd.sock
	ln -s "$T/containerd/state/${place##*/}" "$place"
	follow containerd fourth "$IMAGE" "$in_pod"
}

# A container that was there before the sensor has names too, and no begin.
given_a_container_before_the_sensor() {
	local id found before

	entity() { query "process where process.parent.pid == $$" 2>/dev/null | head -n 1 | jq -r .process.parent.entity_id; }
	before=$(entity)
	./dev down --dir "$T/run" >/dev/null 2>&1
	id=$(podman_start before 2>>"$T/podman.log" | tail -n 1)
	dev_up >"$T/up.log" 2>&1 || fail "the programs start again" "$(tail "$T/up.log")"
	found=$(query_until 1 "process where event.action == \"exec\" and container.id == \"$id\" and
		container.name == \"before\" and process.user.name == \"walter\"" | head -n 1)
	expect_json "a container that was there before the sensor has its names" "$found" \
		'.container.image.name == $image' --arg image "$IMAGE"
	expect_json "this script is the same entity before and after the sensor's restart" "\"$before\"" '. == $now and test("^[0-9a-f]{16}$")' \
		--arg now "$(entity)"
	expect "and no begin" "$(count "container where container.id == \"$id\"")" 0
}

finish_here() {
	local name dir controller

	pod_man rm --all --force --time 0 >/dev/null 2>&1
	dock rm --force second >/dev/null 2>&1
	if [ -n "${SANDBOX:-}" ]; then # removed, its shim ends too
		cri StopPodSandbox StopPodSandboxRequest Empty "pod_sandbox_id: '$SANDBOX'"
		cri RemovePodSandbox StopPodSandboxRequest Empty "pod_sandbox_id: '$SANDBOX'"
	fi
	for name in "${!pid[@]}"; do
		kill -TERM "${pid[$name]}" 2>/dev/null
		wait "${pid[$name]}" 2>/dev/null
	done
	[ "$n_failed" = 0 ] || tail -n 15 "$T"/*.log
	for controller in /sys/fs/cgroup /sys/fs/cgroup/*/; do
		for dir in "kubepods/burstable/pod$POD_UID" kubepods/burstable kubepods libpod_parent docker; do
			rmdir "$controller/$dir" 2>/dev/null
		done
	done
	finish
}
trap 'fail "the script ends" "it broke off"; finish_here' EXIT

need_programs
start_stack
given_podman
given_docker
given_containerd_by_cri
given_containerd_by_its_bundle
given_a_container_before_the_sensor
finish_here

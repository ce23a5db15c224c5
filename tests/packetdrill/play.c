#include "play.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OBJECT     WEIR_BUILD_DIR "/libweir-packetdrill.so"
#define HEAD_MAX   (40 + 20 + 40)
#define PACKET_MAX 65536
#define EPOCH      1000000000000ll

static const uint8_t local4[4] = {192, 168, 0, 1}, peer4[4] = {192, 0, 2, 1};
static const uint8_t local6[16] = {0xfd, 0x3d, 0xfa, 0x7b, 0xd1, 0x7d, [15] = 1};
static const uint8_t peer6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

typedef void (*init_function)(const char *flags, struct packetdrill_interface *out);

void play_open(struct play *p, const char *flags, enum play_family family)
{
	void *object = dlopen(OBJECT, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	init_function init;

	if (object == NULL)
		fail_msg("%s", dlerror());
	*(void **)&init = dlsym(object, "packetdrill_interface_init");
	assert_non_null(init);
	memset(p, 0, sizeof(*p));
	p->family = family;
	p->local_port = PORT;
	p->peer_port = PEER_PORT;
	init(flags, &p->ifc);
	dlclose(object);
}

void play_close(struct play *p)
{
	p->ifc.free(p->ifc.userdata);
}

static socklen_t address(const struct play *p, struct sockaddr_storage *ss, const uint8_t *a4,
			 const uint8_t *a6, uint16_t port)
{
	struct sockaddr_in6 *in6 = (void *)ss;
	struct sockaddr_in *in = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (p->family == V4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a4, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	if (p->family == V6) {
		memcpy(&in6->sin6_addr, a6, 16);
	} else {
		in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
		memcpy(in6->sin6_addr.s6_addr + 12, a4, 4);
	}
	return sizeof(*in6);
}

int play_socket(struct play *p)
{
	return p->ifc.socket(p->ifc.userdata, p->family == V4 ? AF_INET : AF_INET6, SOCK_STREAM,
			     IPPROTO_TCP);
}

int play_bind(struct play *p, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = address(p, &ss, local4, local6, PORT);

	return p->ifc.bind(p->ifc.userdata, fd, (void *)&ss, len);
}

int play_connect(struct play *p, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = address(p, &ss, peer4, peer6, PORT);

	p->peer_port = PORT;
	return p->ifc.connect(p->ifc.userdata, fd, (void *)&ss, len);
}

/* Asserts that the peer's address is told as it is. */
int play_accept(struct play *p, int fd)
{
	struct sockaddr_storage got = {0}, want;
	socklen_t len = sizeof(got), want_len = address(p, &want, peer4, peer6, p->peer_port);
	int result = p->ifc.accept(p->ifc.userdata, fd, (void *)&got, &len);

	if (result >= 0) {
		assert_int_equal(len, want_len);
		assert_memory_equal(&got, &want, want_len);
	}
	return result;
}

void play_nonblock(struct play *p, int fd)
{
	assert_int_equal(p->ifc.fcntl(p->ifc.userdata, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
}

int play_getint(struct play *p, int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	assert_int_equal(p->ifc.getsockopt(p->ifc.userdata, fd, level, name, &value, &len), 0);
	assert_int_equal(len, sizeof(value));
	return value;
}

int play_setint(struct play *p, int fd, int level, int name, int value)
{
	return p->ifc.setsockopt(p->ifc.userdata, fd, level, name, &value, sizeof(value));
}

long long play_now(struct play *p)
{
	struct timeval tv;

	assert_int_equal(p->ifc.gettimeofday(p->ifc.userdata, &tv, NULL), 0);
	return (long long)tv.tv_sec * 1000000 + tv.tv_usec - EPOCH;
}

void play_usleep(struct play *p, long long us)
{
	int (*pass)(void *userdata, useconds_t usecs) = p->ifc.usleep; /* takes no real time */

	while (us > 0) {
		long long n = us < 1000000000 ? us : 1000000000;

		assert_int_equal(pass(p->ifc.userdata, (useconds_t)n), 0);
		us -= n;
	}
}

/* --- Packets ---------------------------------------------------------------------------------- */

static uint32_t sum_of(const uint8_t *at, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v);
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

static size_t ip_bytes(const struct play *p)
{
	return p->family == V6 ? 40 : 20;
}

static uint32_t pseudo(const struct play *p, const uint8_t *ip, size_t l4_len)
{
	uint32_t sum = IPPROTO_TCP + (uint32_t)l4_len;

	return p->family == V6 ? sum_of(ip + 8, 32, sum) : sum_of(ip + 12, 8, sum);
}

static void put_ip(const struct play *p, uint8_t *ip, size_t l4_len)
{
	if (p->family == V6) {
		ip[0] = 0x60;
		put16(ip + 4, (uint32_t)l4_len);
		ip[6] = IPPROTO_TCP;
		ip[7] = 64;
		memcpy(ip + 8, peer6, 16);
		memcpy(ip + 24, local6, 16);
		return;
	}
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)l4_len + 20);
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, peer4, 4);
	memcpy(ip + 16, local4, 4);
	put16(ip + 10, fold(sum_of(ip, 20, 0)));
}

void play_in(struct play *p, struct seg s)
{
	static uint8_t packet[PACKET_MAX];
	uint8_t *tcp = packet + ip_bytes(p);
	size_t head = 20 + (size_t)s.opt_len, l4_len = head + s.len;

	memset(packet, 0, HEAD_MAX);
	put16(tcp, p->peer_port);
	put16(tcp + 2, p->local_port);
	put32(tcp + 4, PEER_ISN + s.seq);
	put32(tcp + 8, s.flags & ACK ? p->isn + s.ack : 0);
	tcp[12] = (uint8_t)(head / 4 << 4);
	tcp[13] = s.flags;
	put16(tcp + 14, s.wnd ? s.wnd : 32768);
	put16(tcp + 18, s.urgent);
	memcpy(tcp + 20, s.opt, s.opt_len);
	for (size_t i = 0; i < s.len; i++)
		tcp[head + i] = (uint8_t)(s.seq + i);
	put_ip(p, packet, l4_len);
	put16(tcp + 16, fold(sum_of(tcp, l4_len, pseudo(p, packet, l4_len))));
	assert_int_equal(p->ifc.netdev_send(p->ifc.userdata, packet, ip_bytes(p) + l4_len), 0);
}

static struct seg parse(struct play *p, const uint8_t *ip, size_t len, long long at_us)
{
	const uint8_t *tcp = ip + ip_bytes(p);
	size_t head = (size_t)(tcp[12] >> 4) * 4, l4_len = len - ip_bytes(p);
	struct seg s = {.flags = tcp[13], .at_us = at_us};

	assert_int_equal(ip[0] >> 4, p->family == V6 ? 6 : 4);
	assert_int_equal(fold(sum_of(tcp, l4_len, pseudo(p, ip, l4_len))), 0);
	s.tos = p->family == V6 ? (uint8_t)(get16(ip) >> 4) : ip[1];
	if (s.flags & SYN)
		p->isn = get32(tcp + 4);
	p->local_port = (uint16_t)get16(tcp);
	assert_int_equal(get16(tcp + 2), p->peer_port);
	s.seq = get32(tcp + 4) - p->isn;
	s.ack = s.flags & ACK ? get32(tcp + 8) - PEER_ISN : 0;
	s.wnd = (uint16_t)get16(tcp + 14);
	s.urgent = (uint16_t)get16(tcp + 18);
	s.opt_len = (uint8_t)(head - 20);
	memcpy(s.opt, tcp + 20, s.opt_len);
	s.len = (uint16_t)(l4_len - head);
	return s;
}

struct seg play_out(struct play *p)
{
	static uint8_t packet[PACKET_MAX];
	size_t len = sizeof(packet);
	long long at_us;

	assert_int_equal(p->ifc.netdev_receive(p->ifc.userdata, packet, &len, &at_us), 0);
	assert_true(len > 0);
	return parse(p, packet, len, at_us - EPOCH);
}

void play_expect(struct play *p, uint8_t flags, uint32_t seq, uint16_t len, uint32_t ack)
{
	struct seg s = play_out(p);

	assert_int_equal(s.flags, flags);
	assert_int_equal(s.seq, seq);
	assert_int_equal(s.len, len);
	assert_int_equal(s.ack, ack);
}

void play_expect_none(struct play *p)
{
	static uint8_t packet[PACKET_MAX];
	size_t len = sizeof(packet);
	long long at_us;

	assert_int_equal(p->ifc.netdev_receive(p->ifc.userdata, packet, &len, &at_us), 0);
	assert_int_equal(len, 0);
}

int play_listener(struct play *p)
{
	int fd = play_socket(p);

	assert_true(fd >= 0);
	assert_int_equal(play_setint(p, fd, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	assert_int_equal(play_bind(p, fd), 0);
	assert_int_equal(p->ifc.listen(p->ifc.userdata, fd, 5), 0);
	return fd;
}

int play_accepted(struct play *p)
{
	int listener = play_listener(p), fd;

	play_in(p, (struct seg){.flags = SYN});
	play_expect(p, SYN | ACK, 0, 0, 1);
	play_in(p, (struct seg){.flags = ACK, .seq = 1, .ack = 1});
	fd = play_accept(p, listener);
	assert_true(fd >= 0);
	return fd;
}

/* --- The second thread ------------------------------------------------------------------------ */

static void *run_blocked(void *arg)
{
	struct blocked *b = arg;

	__atomic_store_n(&b->tid, (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	b->result = b->call(b->play, b->arg);
	b->error = errno;
	b->end_us = play_now(b->play);
	__atomic_store_n(&b->running, false, __ATOMIC_SEQ_CST);
	return NULL;
}

static bool sleeps(int tid)
{
	char path[64], text[256];
	const char *at;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	at = strrchr(text, ')');
	return at != NULL && at[2] == 'S';
}

void play_block(struct blocked *b, struct play *p, long (*call)(struct play *p, void *arg),
		void *arg)
{
	int tid = 0;

	*b = (struct blocked){.play = p, .call = call, .arg = arg, .running = true};
	assert_int_equal(pthread_create(&b->thread, NULL, run_blocked, b), 0);
	while (__atomic_load_n(&b->running, __ATOMIC_SEQ_CST)) {
		sched_yield();
		tid = __atomic_load_n(&b->tid, __ATOMIC_SEQ_CST);
		if (tid != 0 && sleeps(tid))
			break;
	}
}

void play_join(struct blocked *b)
{
	assert_int_equal(pthread_join(b->thread, NULL), 0);
}

int play_apart(void (*what)(void *arg), void *arg, char *text, size_t len)
{
	int pipes[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		what(arg);
		_exit(0);
	}
	close(pipes[1]);
	while (n + 1 < len && (got = read(pipes[0], text + n, len - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

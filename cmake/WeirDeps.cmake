# Libraries from the distribution, through pkg-config. What each is for: docs/adr/.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# weir_need(NAME MODULE PACKAGE): target PkgConfig::NAME, or an error that names the package.
function(weir_need name module package)
	pkg_check_modules(${name} QUIET IMPORTED_TARGET GLOBAL ${module})
	if(NOT ${name}_FOUND)
		message(FATAL_ERROR "${module} is missing: install ${package}, "
			"or run tools/setup.sh build")
	endif()
endfunction()

weir_need(microhttpd libmicrohttpd libmicrohttpd-dev)
weir_need(crypto libcrypto libssl-dev)
weir_need(jansson jansson libjansson-dev)

# For tests; without them there are none.
pkg_check_modules(cmocka QUIET IMPORTED_TARGET GLOBAL cmocka)
pkg_check_modules(sodium QUIET IMPORTED_TARGET GLOBAL libsodium)

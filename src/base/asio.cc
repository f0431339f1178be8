// The compiled halves of the header-only libraries, in one translation unit of their own.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>

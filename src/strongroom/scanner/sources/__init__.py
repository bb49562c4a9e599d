"""scanner/sources"""

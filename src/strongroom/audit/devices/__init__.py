"""audit/devices"""
